import type { Logger } from '../log.ts';
import type { AuditEntry, Change } from '../store/change-log.ts';
import type { Store } from '../store/store.ts';
import type { Decision, Note, Refusal } from './decide.ts';
import { applyEffect, type Effect, invert, makeState, type PresenceState } from './state.ts';
import { isClash, readPresence, updatesOf, writePresence } from './write.ts';

/** Decisions are made one after the other, on what those before have left; those that come together are written together. */
export interface Ledger {
  /** As decided; a moment later it is written, or undone. */
  readonly state: PresenceState;
  /**
   * Has something decided, and resolves once it is written, or at once where there is nothing to write.
   * @throws ProloError when the database cannot be written: then nothing has changed
   */
  submit(decide: (state: PresenceState) => Decision): Promise<Decision>;
  /** A line of the presence feed went by; one that another process wrote makes this read everything anew. */
  saw(change: Change): void;
  /** Resolves when nothing is left to write. */
  idle(): Promise<void>;
}

interface Waiting {
  decide(state: PresenceState): Decision;
  resolve(decision: Decision): void;
  reject(error: unknown): void;
}

/** How often a decision is made again, after the database knew better. */
const TRIES = 3;
/** Written in one transaction, at most. */
const TOGETHER = 500;

const CLASH: Refusal = { reason: 'busy', text: 'somebody was faster: try again' };

export async function openLedger(store: Store, log: Logger, nowMs: () => number): Promise<Ledger> {
  const first = await readPresence(store);
  let state = makeState(first.associations, first.ended, nowMs());
  let queue: Waiting[] = [];
  let running: Promise<void> | undefined;
  let stale = false;
  /** Lines of the feed that this process wrote and has not seen yet. */
  const expected: string[] = [];

  const reload = async (): Promise<void> => {
    const { associations, ended } = await readPresence(store);
    const before = state;
    state = makeState(associations, ended, nowMs());
    for (const [login, heardMs] of before.heardMs)
      if (state.byLogin.get(login)?.hostname === before.byLogin.get(login)?.hostname)
        state.heardMs.set(login, heardMs);
    for (const [login, hostname] of before.lapsed)
      applyEffect(state, { type: 'lapse', pair: { login, hostname } }, 0);
    stale = false;
  };

  const flush = async (batch: readonly Waiting[]): Promise<void> => {
    for (let tries = TRIES; ; tries--) {
      if (stale) await reload();
      const effects: Effect[] = [];
      const notes: Note[] = [];
      const decided = batch.map((waiting) => {
        const decision = waiting.decide(state);
        for (const effect of decision.effects) applyEffect(state, effect, nowMs());
        effects.push(...decision.effects);
        notes.push(...decision.notes);
        return decision;
      });
      const line = JSON.stringify(updatesOf(effects));
      try {
        if (effects.length > 0 || notes.length > 0) {
          if (line !== '[]') expected.push(line);
          await writePresence(store, effects, notes.map(auditEntry));
        }
        for (const [i, waiting] of batch.entries()) waiting.resolve(decided[i]!);
        return;
      } catch (error) {
        for (const effect of effects.reverse()) applyEffect(state, invert(effect), nowMs());
        const at = expected.lastIndexOf(line);
        if (at >= 0) expected.splice(at, 1);
        stale = true;
        if (!isClash(error)) throw error;
        log.warn('presence: another process wrote it too; read anew');
        if (tries > 1) continue;
        for (const waiting of batch) waiting.resolve({ effects: [], notes: [], refusal: CLASH });
        return;
      }
    }
  };

  const run = async (): Promise<void> => {
    while (queue.length > 0) {
      await new Promise(setImmediate); // whatever has arrived goes together
      const batch = queue.slice(0, TOGETHER);
      queue = queue.slice(TOGETHER);
      await flush(batch).catch((error: unknown) => {
        for (const { reject } of batch) reject(error);
      });
    }
  };
  const start = (): void => {
    running ??= run().finally(() => {
      running = undefined;
      if (queue.length > 0) start();
    });
  };

  return {
    get state() {
      return state;
    },
    submit: (decide) =>
      new Promise((resolve, reject) => {
        queue.push({ decide, resolve, reject });
        start();
      }),
    saw({ updates }) {
      if (expected[0] === JSON.stringify(updates)) {
        expected.shift();
        return;
      }
      stale = true;
      queue.push({
        decide: () => ({ effects: [], notes: [] }),
        resolve: () => undefined,
        reject: () => undefined,
      });
      start();
    },
    async idle() {
      while (running) await running;
    },
  };
}

function auditEntry({ action, pair, ip, text }: Note): AuditEntry {
  return {
    actor: `presencesync ${ip}`,
    action: `presence ${action}`,
    details: `${pair.login} at ${pair.hostname}${text === undefined ? '' : `: ${text}`}`,
  };
}
