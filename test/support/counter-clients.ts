import type { Region } from './counter-block.ts';
import type { CounterOrder, CounterReport } from './counter-writer.ts';
import type { NbdAddress } from './nbd-client.ts';
import { startProcess } from './processes.ts';

/** One client that writes counters, as far as it has told. */
export interface Counter {
  readonly first: number;
  /** The last acknowledged one; `first - 1` before the first. */
  readonly last: number;
  /** The longest that a flushed write took since `forgetGaps`, the one that is going on included. */
  largestGapMs(): number;
  forgetGaps(): void;
  /** Why it ended, when it did so of itself. */
  readonly error: string | undefined;
  /** Resolves when it is connected. @throws Error when it cannot */
  connected: Promise<void>;
  ended: Promise<void>;
  /** Resolves when counter `n` was acknowledged. @throws Error when the client ended before */
  until(n: number): Promise<void>;
  stop(): Promise<void>;
}

export interface Counters {
  start(address: NbdAddress, region: Region, first?: number, pauseMs?: number): Counter;
  close(): Promise<void>;
}

/** A process of its own for clients that write counters. */
export async function startCounters(): Promise<Counters> {
  const { child, next, kill } = startProcess('counter-writer.ts', []);
  await next();
  const listeners = new Map<number, (report: CounterReport) => void>();
  child.on('message', (report: CounterReport) => listeners.get(report.id)?.(report));
  child.once('exit', () => {
    for (const [id, listener] of listeners) listener({ id, ended: true, error: 'the writing process ended' });
  });
  let lastId = 0;
  const order = (what: CounterOrder): void => void (child.connected && child.send(what));
  return {
    start(address, region, first = 0, pauseMs = 0) {
      const id = ++lastId;
      const { counter, onReport } = follow(first, pauseMs, () => order({ stop: id }));
      listeners.set(id, onReport);
      void counter.ended.then(() => listeners.delete(id));
      order({ start: { id, address, region, first, pauseMs } });
      return counter;
    },
    close: kill,
  };
}

function follow(
  first: number,
  pauseMs: number,
  stop: () => void,
): { counter: Counter; onReport: (report: CounterReport) => void } {
  let last = first - 1;
  let largest = 0;
  let lastAtMs = performance.now();
  let error: string | undefined;
  let over = false;
  const waiting = new Set<{ n: number; resolve: () => void; reject: (error: Error) => void }>();
  const connected = deferred();
  const ended = deferred();
  connected.promise.catch(() => undefined);
  const endError = (): Error => new Error(`the counting client ended: ${error ?? 'it was stopped'}`);
  const counter: Counter = {
    first,
    connected: connected.promise,
    ended: ended.promise,
    get last() {
      return last;
    },
    get error() {
      return error;
    },
    largestGapMs: () => (over ? largest : Math.max(largest, performance.now() - lastAtMs - pauseMs)),
    forgetGaps() {
      largest = 0;
      lastAtMs = performance.now();
    },
    until: (n) =>
      new Promise((resolve, reject) => {
        if (last >= n) resolve();
        else if (over) reject(endError());
        else waiting.add({ n, resolve, reject });
      }),
    async stop() {
      stop();
      await ended.promise;
    },
  };
  const onReport = (report: CounterReport): void => {
    if ('connected' in report) {
      lastAtMs = performance.now();
      connected.resolve();
    } else if (!('ended' in report)) {
      last = report.acked;
      lastAtMs = performance.now();
      largest = Math.max(largest, report.gapMs);
      for (const one of waiting)
        if (one.n <= last) {
          waiting.delete(one);
          one.resolve();
        }
    } else {
      over = true;
      last = report.acked ?? last;
      error = report.error;
      connected.reject(endError());
      for (const { reject } of waiting) reject(endError());
      waiting.clear();
      ended.resolve();
    }
  };
  return { counter, onReport };
}

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve!: () => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<void>((...both) => ([resolve, reject] = both));
  return { promise, resolve, reject };
}
