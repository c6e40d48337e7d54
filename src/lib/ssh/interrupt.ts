import { setMaxListeners } from 'node:events';

/** What Ctrl-C does during a run. */
export interface Interrupt {
  /** Aborted by the first one, or by `stop`. */
  signal: AbortSignal;
  /** As the first Ctrl-C, without one: there is nobody left to run for. */
  stop(): void;
  /** Signals are the system's again. */
  release(): void;
}

/**
 * The first SIGINT or SIGTERM stops the waiting; a second one ends the process at once.
 * @param note told with the first one
 */
export function onInterrupt(note: () => void): Interrupt {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal); // a listener a machine
  const listen = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143);
    note();
    controller.abort();
  };
  process.on('SIGINT', listen).on('SIGTERM', listen);
  return {
    signal: controller.signal,
    stop: () => controller.abort(),
    release: () => void process.off('SIGINT', listen).off('SIGTERM', listen),
  };
}
