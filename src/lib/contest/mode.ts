import { zonedTime } from '../cli/host-time.ts';
import { ProloError } from '../errors.ts';
import { USUAL } from '../hfs/home-name.ts';

/** The one row that says whether the contest runs, as the feed carries it. */
export interface ContestMode {
  name: 'contest';
  /** Rises with every change; 0: there never was one. */
  epoch: number;
  /** ISO 8601, UTC, as the others; null: it does not run. */
  starts_at: string | null;
  ends_at: string | null;
  /** The set of homes that contestants get while it runs. */
  homes: string;
  changed_at: string;
  changed_by: string;
}

export type Phase = 'off' | 'waiting' | 'on';

export const NEVER: ContestMode = {
  name: 'contest',
  epoch: 0,
  starts_at: null,
  ends_at: null,
  homes: USUAL,
  changed_at: new Date(0).toISOString(),
  changed_by: '',
};

/**
 * What the row means at a time. The row itself proves that it is not earlier than when it was written: what shall be so at
 * once is so at once, also where the clock is slow.
 */
export function phaseAt(mode: ContestMode, nowMs: number): Phase {
  if (mode.starts_at === null) return 'off';
  const ms = knownTime(mode, nowMs);
  if (ms < Date.parse(mode.starts_at)) return 'waiting';
  return mode.ends_at !== null && ms >= Date.parse(mode.ends_at) ? 'off' : 'on';
}

/** When it will mean something else; undefined: never. */
export function nextChangeMs(mode: ContestMode, nowMs: number): number | undefined {
  if (mode.starts_at === null) return undefined;
  const ms = knownTime(mode, nowMs);
  const times = [mode.starts_at, mode.ends_at].flatMap((at) => (at === null ? [] : [Date.parse(at)]));
  return times.filter((at) => at > ms).sort((a, b) => a - b)[0];
}

const knownTime = (mode: ContestMode, nowMs: number): number => Math.max(nowMs, Date.parse(mode.changed_at));

/** How far a clock may be set back without taking back what has begun. */
const SET_BACK_MS = 60_000;

/** The time, for one that has seen `latestMs`: a clock that is set back a little stands still. */
export function steadyTime(latestMs: number, nowMs: number): number {
  return nowMs < latestMs && latestMs - nowMs < SET_BACK_MS ? latestMs : nowMs;
}

export interface Wish {
  now: Date;
  by: string;
  /** ISO 8601; undefined: at once. */
  at?: string;
  /** The set of homes that contestants get; default: the contest's own, or the one that it has. */
  homes?: string;
}

/** The set of homes that a contest has where nobody says which. */
export const CONTEST_SET = 'contest';

/** The row once the contest shall start. @throws ProloError `conflict` where it runs, `bad-input` for a time that is over */
export function startMode(mode: ContestMode, wish: Wish): ContestMode {
  const phase = phaseAt(mode, wish.now.getTime());
  const at = futureTime(wish);
  if (phase === 'on' && mode.ends_at === null)
    throw new ProloError('conflict', `contest: it runs since ${zonedTime(mode.starts_at!)}`, {
      hint: '`prolo contest status` shows it; `prolo contest stop` ends it',
    });
  if (phase === 'on' && wish.at !== undefined)
    throw new ProloError('conflict', `contest: it runs until ${zonedTime(mode.ends_at!)}`, {
      hint: 'without --at it goes on beyond that; to start later, stop it first',
    });
  if (phase === 'on' && wish.homes !== undefined && wish.homes !== mode.homes)
    throw new ProloError('conflict', `contest: it runs with the homes of the set ${mode.homes}`, {
      hint: 'stop it first, and start it with others',
    });
  if (phase === 'on') return changed(mode, wish, { ends_at: null });
  const homes = wish.homes ?? (phase === 'waiting' ? mode.homes : CONTEST_SET);
  return changed(mode, wish, { starts_at: at, ends_at: null, homes });
}

/** The row once it shall stop; one that has not begun never does. @throws as `startMode` */
export function stopMode(mode: ContestMode, wish: Wish): ContestMode {
  const phase = phaseAt(mode, wish.now.getTime());
  const at = futureTime(wish);
  if (phase === 'off')
    throw new ProloError('conflict', 'contest: it does not run, and is not to start', {
      hint: '`prolo contest status` shows when it did',
    });
  if (phase === 'on') return changed(mode, wish, { ends_at: at });
  if (wish.at === undefined) return changed(mode, wish, { starts_at: null, ends_at: null });
  if (Date.parse(at) <= Date.parse(mode.starts_at!))
    throw new ProloError(
      'bad-input',
      `contest: it starts at ${zonedTime(mode.starts_at!)}, and cannot end before`,
      {
        hint: 'without --at it does not start at all',
      },
    );
  return changed(mode, wish, { ends_at: at });
}

function futureTime({ now, at }: Wish): string {
  if (at === undefined) return now.toISOString();
  if (Date.parse(at) > now.getTime()) return at;
  throw new ProloError('bad-input', `time ${zonedTime(at)}: it is over`, {
    hint: 'without --at it is done at once; a day is written as "2026-05-02 14:30"',
  });
}

function changed(mode: ContestMode, { now, by }: Wish, fields: Partial<ContestMode>): ContestMode {
  return {
    ...mode,
    ...fields,
    epoch: mode.epoch + 1,
    changed_at: now.toISOString(),
    changed_by: by.slice(0, 128),
  };
}
