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

/** What is said then. */
export const STOPPING = 'stopping; once more leaves at once.';

/**
 * The first SIGINT or SIGTERM stops the waiting; a second one ends the process at once, as does a terminal that goes away.
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
  const unlisten = exitOn('SIGHUP');
  return {
    signal: controller.signal,
    stop: () => controller.abort(),
    release() {
      process.off('SIGINT', listen).off('SIGTERM', listen);
      unlisten();
    },
  };
}

/** Signals that by themselves would end the process without its `exit`: logs not written, temporary files left. @returns what ends that */
export function exitOn(...signals: NodeJS.Signals[]): () => void {
  const exit = (_: NodeJS.Signals, number: number): void => process.exit(128 + number);
  for (const signal of signals) process.on(signal, exit);
  return () => {
    for (const signal of signals) process.off(signal, exit);
  };
}
