import type { Socket } from 'node:net';
import type { Logger } from '../log.ts';
import type { Update } from '../store/change-log.ts';

/** How long the event loop is kept from anything else while one change goes out to many. */
const SLICE_MS = 10;
/** Writes between two looks at the clock. */
const SLICE_WRITES = 64;

export interface HubOptions {
  /** The field that names a record. */
  pk: string;
  /** The whole state at the start. */
  records: readonly object[];
  /** A subscriber that has more than this waiting to be sent is dropped. */
  maxBehindBytes: number;
  log: Logger;
  onDrop?: () => void;
}

/** The subscribers of one feed. What is sent is made once, whatever their number. */
export interface Hub {
  readonly size: number;
  /** What waits to be sent to the slowest of them. */
  readonly behindBytes: number;
  /** Changes the state, and sends the updates to all as one line. */
  publish(updates: readonly Update<object>[]): void;
  /**
   * Sends the whole state to a connection whose response head is written, and every line from then on.
   * @param chunked whether the body is in HTTP/1.1's chunks
   */
  subscribe(socket: Socket, chunked: boolean): void;
  has(socket: Socket): boolean;
}

/** A line on the wire: as an HTTP/1.1 chunk, and the same bytes without its frame. */
interface Line {
  version: number;
  chunk: Buffer;
  bare: Buffer;
}

interface Subscriber {
  chunked: boolean;
  /** Lines up to this one were part of the state that it got first. */
  version: number;
  /** The size of the whole state while that is still on its way: it makes nobody slow. */
  stateBytes: number;
}

export function createHub({ pk, records, maxBehindBytes, log, onDrop }: HubOptions): Hub {
  const state = new Map(records.map((record) => [keyOf(pk, record), JSON.stringify(asUpdate(record))]));
  const subscribers = new Map<Socket, Subscriber>();
  let version = 0;
  let stateLine: Line | undefined;
  let waiting: Line[] = [];
  let sending = false;

  function forget(this: Socket): void {
    subscribers.delete(this);
  }

  /** Lines that wait go out together, in order, to one subscriber after the other; then those that came meanwhile. */
  const send = (): void => {
    const lines = waiting;
    waiting = [];
    const parcel = { chunk: join(lines, 'chunk'), bare: join(lines, 'bare') };
    const newest = lines.at(-1)!.version;
    const oldest = lines[0]!.version;
    const rest = subscribers.entries();
    const slice = (): void => {
      const untilMs = performance.now() + SLICE_MS;
      for (let writes = 1; ; writes++) {
        const { done, value } = rest.next();
        if (done) break;
        const [socket, subscriber] = value;
        const framing = subscriber.chunked ? 'chunk' : 'bare';
        if (subscriber.version < oldest) write(socket, subscriber, parcel[framing]());
        else if (subscriber.version < newest) {
          const unseen = lines.filter((line) => line.version > subscriber.version);
          write(socket, subscriber, join(unseen, framing)());
        }
        if (writes % SLICE_WRITES === 0 && performance.now() > untilMs) {
          setImmediate(slice);
          return;
        }
      }
      sending = waiting.length > 0;
      if (sending) setImmediate(send);
    };
    slice();
  };

  const write = (socket: Socket, subscriber: Subscriber, bytes: Buffer): void => {
    const behindBytes = socket.writableLength;
    if (behindBytes <= maxBehindBytes + subscriber.stateBytes) {
      socket.write(bytes);
      return;
    }
    log.warn({ ip: socket.remoteAddress, behindBytes }, 'feed: a slow subscriber is dropped');
    subscribers.delete(socket);
    socket.resetAndDestroy();
    onDrop?.();
  };

  return {
    get size() {
      return subscribers.size;
    },
    get behindBytes() {
      return [...subscribers.keys()].reduce((most, { writableLength }) => Math.max(most, writableLength), 0);
    },
    has: (socket) => subscribers.has(socket),
    publish(updates) {
      for (const { type, data } of updates)
        if (type === 'delete') state.delete(keyOf(pk, data));
        else state.set(keyOf(pk, data), JSON.stringify(asUpdate(data)));
      stateLine = undefined;
      version++;
      if (subscribers.size === 0) return;
      waiting.push(makeLine(version, JSON.stringify(updates)));
      if (sending) return;
      sending = true;
      queueMicrotask(send);
    },
    subscribe(socket, chunked) {
      if (socket.destroyed) return;
      stateLine ??= makeLine(version, `[${[...state.values()].join(',')}]`);
      const bytes = chunked ? stateLine.chunk : stateLine.bare;
      const subscriber = { chunked, version, stateBytes: bytes.length };
      subscribers.set(socket, subscriber);
      socket.once('close', forget);
      socket.write(bytes, () => (subscriber.stateBytes = 0));
    },
  };
}

function asUpdate(data: object): Update<object> {
  return { type: 'update', data };
}

function keyOf(pk: string, data: object): unknown {
  return (data as Record<string, unknown>)[pk];
}

function makeLine(version: number, text: string): Line {
  const head = `${(Buffer.byteLength(text) + 1).toString(16)}\r\n`;
  const chunk = Buffer.from(`${head}${text}\n\r\n`);
  return { version, chunk, bare: chunk.subarray(head.length, -2) };
}

/** The lines as one buffer, made when it is first asked for. */
function join(lines: readonly Line[], framing: 'chunk' | 'bare'): () => Buffer {
  let whole: Buffer | undefined;
  return () =>
    (whole ??= lines.length === 1 ? lines[0]![framing] : Buffer.concat(lines.map((line) => line[framing])));
}
