import { asProloError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { initialPace, nextDue, type Pace, type PaceEvent, RELOAD_PACE, stepPace } from './pace.ts';

export interface Applier {
  /** There is something new to apply. Returns at once. */
  changed(): void;
  /** Ends: what runs is aborted and waited for, what is pending is left to the next start. */
  close(): Promise<void>;
}

export interface ApplierOptions {
  /** Names it in the log. */
  name: string;
  /**
   * Brings the server to what is wanted now: render, check, rename, reload. Never called twice at a time. Throwing
   * `refused`, `bad-input` or `config` means that only another change can help; anything else is tried again.
   */
  apply(signal: AbortSignal): Promise<void>;
  log: Logger;
  pace?: Pace;
  /** A clock that never goes back, in ms. */
  now?: () => number;
}

/** Calls `apply` after changes, at the pace that the server stands; its failures are logged and never thrown. */
export function createApplier(options: ApplierOptions): Applier {
  const { name, log, pace = RELOAD_PACE, now = () => performance.now() } = options;
  const stop = new AbortController();
  let state = initialPace;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;

  const arm = (): void => {
    clearTimeout(timer);
    const due = stop.signal.aborted ? undefined : nextDue(state, pace);
    if (due !== undefined) timer = setTimeout(onTimer, Math.max(0, Math.ceil(due - now())));
  };
  const step = (event: PaceEvent): void => {
    state = stepPace(state, event, pace);
    arm();
  };
  const onTimer = (): void => {
    if (nextDue(state, pace)! > now()) arm();
    else running = runOnce();
  };
  const runOnce = async (): Promise<void> => {
    step({ type: 'started', at: now() });
    const failedBefore = state.failures;
    try {
      await options.apply(stop.signal);
      step({ type: 'succeeded', at: now() });
      if (failedBefore > 0) log.info({ failures: failedBefore }, `${name}: works again`);
    } catch (error) {
      const { kind, message, hint } = asProloError(error);
      const again = !['refused', 'bad-input', 'config'].includes(kind);
      step({ type: 'failed', at: now(), again });
      if (stop.signal.aborted) return;
      const details = { error: message, ...(hint ? { hint } : {}), failures: state.failures };
      if (!again) log.error(details, `${name}: refused, what was served before stays`);
      else if (failedBefore > 0) log.debug(details, `${name}: failed again`);
      else log[kind === 'unavailable' ? 'warn' : 'error'](details, `${name}: failed, trying again`);
    }
  };

  return {
    changed() {
      if (!stop.signal.aborted) step({ type: 'changed', at: now() });
    },
    async close() {
      stop.abort();
      clearTimeout(timer);
      await running;
    },
  };
}
