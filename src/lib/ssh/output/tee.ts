import type { Sink } from '../protocol.ts';

/**
 * Several sinks as one, as fast as the slowest.
 * @param fail told the first trouble of ours (a full disk): no machine is to blame for it, so none hears of it
 */
export function teeSinks(sinks: readonly Sink[], fail: (error: unknown) => void): Sink {
  const each = (work: (sink: Sink) => void | Promise<void>): void | Promise<void> => {
    let pending: Promise<void>[] | undefined;
    for (const sink of sinks)
      try {
        const result = work(sink);
        if (result) (pending ??= []).push(result);
      } catch (error) {
        fail(error);
      }
    if (!pending) return;
    return Promise.all(pending.map((one) => one.catch(fail))).then(() => undefined);
  };
  return {
    write: (hostname, stream, chunk) => each((sink) => sink.write(hostname, stream, chunk)),
    end: (outcome) => each((sink) => sink.end(outcome)),
  };
}
