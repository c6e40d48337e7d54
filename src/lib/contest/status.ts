import type { Facts } from './facts.ts';
import { type HomeLag, listHomeLags } from './homes.ts';
import { type Phase, phaseAt } from './mode.ts';

/** A consumer that says nothing for so long is as good as dead: it speaks every 15 s. */
const SILENT_MS = 60_000;

export type State = 'ok' | 'lags' | 'failed' | 'silent' | 'never heard';

export interface ConsumerStatus {
  consumer: string;
  /** The epoch that it has reached; null: it never said. */
  applied: number | null;
  phase: Phase | null;
  state: State;
  /** ISO 8601, UTC */
  seen_at: string | null;
  problem: string;
}

export interface ContestStatus {
  epoch: number;
  phase: Phase;
  starts_at: string | null;
  ends_at: string | null;
  changed_at: string;
  changed_by: string;
  /** Whether unknown machines may register now. */
  registration: boolean;
  consumers: ConsumerStatus[];
  /** Who still has another home than they would get now. */
  homes: HomeLag[];
}

/** Those that must follow; of others that spoke once, what they said is shown. */
function expected({ config }: Facts): string[] {
  return ['firewall', ...(config.contest.services.length > 0 ? ['units'] : [])];
}

export function judgeContest(facts: Facts, now: Date): ContestStatus {
  const { mode, heard, registration } = facts;
  const { epoch, starts_at, ends_at, changed_at, changed_by } = mode;
  const phase = phaseAt(mode, now.getTime());
  const must = expected(facts);
  const names = [...new Set([...must, ...heard.map(({ consumer }) => consumer)])];
  const consumers = names
    .map((consumer): ConsumerStatus => {
      const said = heard.find((one) => one.consumer === consumer);
      if (!said)
        return { consumer, applied: null, phase: null, state: 'never heard', seen_at: null, problem: '' };
      const there = said.epoch === epoch && said.phase === phase;
      const silent = now.getTime() - Date.parse(said.seen_at) > SILENT_MS;
      const state = !there ? 'lags' : said.problem ? 'failed' : silent ? 'silent' : 'ok';
      const { seen_at, problem } = said;
      return { consumer, applied: said.epoch, phase: said.phase, state, seen_at, problem };
    })
    // What is no more configured has nothing to do, and need not speak.
    .filter(
      ({ consumer, state, phase: reached }) =>
        must.includes(consumer) || !(state === 'silent' || reached === 'off'),
    );
  return {
    ...{ epoch, phase, starts_at, ends_at, changed_at, changed_by, consumers },
    registration: registration && phase !== 'on',
    homes: listHomeLags(facts, now.getTime()),
  };
}

export const isWell = ({ consumers, homes }: ContestStatus): boolean =>
  homes.length === 0 && consumers.every(({ state }) => state === 'ok');
