import { asProloError, ProloError } from '../errors.ts';
import { run } from '../exec.ts';
import type { Logger } from '../log.ts';
import type { Config } from '../site/schema.ts';
import { type Allowed, NOBODY } from './allowed.ts';
import { LIST_TABLE, parseSets, renderAlive, renderChange, renderRules, renderSets } from './ruleset.ts';

/** Holds nftables at who may reach the internet. */
export interface Keeper {
  /** From now on these; returns at once. The newest call counts. */
  want(allowed: Allowed): void;
  /** Tells nftables that somebody still looks after it; who says nothing more for a minute has what was lent taken back. */
  renew(): void;
  /** Looks whether nftables still has what it was told, and tells it again where it has not. */
  check(): void;
  /** Waits until nftables has what is wanted. @throws ProloError `unavailable` when it does not take it now */
  settled(): Promise<void>;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

const RETRY_MS = 1_000;

/**
 * Loads the rules, with nobody allowed.
 * @throws ProloError `unavailable` when there is no nftables here, `refused` when it takes no such rules
 */
export async function createKeeper(
  config: Pick<Config, 'networks' | 'firewall'>,
  log: Logger,
): Promise<Keeper> {
  const nft = (args: readonly string[], input?: string) =>
    run([...config.firewall.nft, ...args], input === undefined ? {} : { input });
  const tell = async (text: string): Promise<void> => {
    if (text === '') return;
    const { exitCode, stderr } = await nft(['-f', '-'], text);
    if (exitCode !== 0)
      throw new ProloError('refused', `nft: ${stderr.trim().split('\n')[0] || `exit status ${exitCode}`}`, {
        hint: 'is this host root’s own, and is nf_tables in its kernel?',
      });
  };
  const tellAll = (allowed: Allowed): Promise<void> =>
    tell(renderRules(config) + renderSets(allowed) + renderAlive());
  let now = NOBODY;
  let wanted = now;
  let doubtful = false;
  let due = false;
  let working: Promise<void> | undefined;
  let closed = false;
  let retry: NodeJS.Timeout | undefined;

  async function converge(): Promise<void> {
    while (!closed && (wanted !== now || doubtful || due)) {
      const goal = wanted;
      const alive = due ? renderAlive() : '';
      const looks = doubtful;
      // What is asked for from here on is done in the next round.
      due = doubtful = false;
      const whole = looks && !(await isAsTold());
      if (whole) await tellAll(goal);
      else
        await tell(renderChange(now, goal) + alive).catch((error: unknown) => {
          log.warn({ error: asProloError(error).message }, 'firewall: nftables refused, telling it all anew');
          return tellAll(goal);
        });
      now = goal;
    }
  }
  /** Whoever loads other rules may have taken ours away. */
  async function isAsTold(): Promise<boolean> {
    const { exitCode, stdout } = await nft(LIST_TABLE);
    return exitCode === 0 && renderChange(parseSets(stdout), now) === '';
  }
  function start(): void {
    clearTimeout(retry);
    working ??= converge().then(
      () => {
        working = undefined;
        if (wanted !== now || doubtful || due) start();
      },
      (error: unknown) => {
        log.error({ error: asProloError(error).message }, 'firewall: nftables refuses, trying again');
        working = undefined;
        doubtful = due = true;
        if (!closed) retry = setTimeout(start, RETRY_MS);
      },
    );
  }

  await tellAll(NOBODY);
  return {
    want(allowed) {
      wanted = allowed;
      start();
    },
    renew() {
      due = true;
      start();
    },
    check() {
      doubtful = true;
      start();
    },
    async settled() {
      while (working) await working;
      if (wanted !== now || doubtful)
        throw new ProloError('unavailable', 'nft: does not take who may reach the internet');
    },
    async close() {
      closed = true;
      clearTimeout(retry);
      await working;
    },
  };
}
