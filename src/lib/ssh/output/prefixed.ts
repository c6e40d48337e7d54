import { createLock } from '../../locks.ts';
import type { Outcome, Sink, Stream } from '../protocol.ts';

/** The longest line that is kept until its end comes; what is longer is written in parts. */
const MAX_LINE_BYTES = 64 * 1024;
/** Small chunks are joined every so often, so that each byte is copied a few times at most. */
const MAX_PARTS = 256;
/** Lines are made of so much at once: short ones grow, and what waits for a slow reader should not. */
const PIECE_BYTES = 32 * 1024;
const NEWLINE = 10;

/**
 * Each line behind the name of its machine, as it comes: `pas-r01p01: text`. Lines of several machines never mix; bytes are passed
 * on as they are. A very long line comes in parts, the later ones behind `pas-r01p01+ `.
 * @param write resolves when more can be taken
 */
export function prefixedSink(
  write: (stream: Stream, bytes: Buffer) => void | Promise<void>,
  end: (outcome: Outcome) => void = () => undefined,
): Sink {
  const open = { stdout: new Map<string, LineJoiner>(), stderr: new Map<string, LineJoiner>() };
  const inTurn = createLock();
  return {
    write: (hostname, stream, chunk) =>
      inTurn(async () => {
        let joiner = open[stream].get(hostname);
        if (!joiner) open[stream].set(hostname, (joiner = prefixLines(`${hostname}: `, `${hostname}+ `)));
        for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
          const lines = joiner.add(chunk.subarray(at, at + PIECE_BYTES));
          if (lines) await write(stream, lines);
        }
      }),
    end: (outcome) =>
      inTurn(async () => {
        for (const stream of ['stdout', 'stderr'] as const) {
          const rest = open[stream].get(outcome.hostname)?.end();
          open[stream].delete(outcome.hostname);
          if (rest) await write(stream, rest);
        }
        end(outcome);
      }),
  };
}

export interface LineJoiner {
  /** The lines that are whole by now, each behind the prefix. */
  add(chunk: Buffer): Buffer | undefined;
  /** What is left, as a line. */
  end(): Buffer | undefined;
}

/** @param later of the second and later parts of a very long line */
export function prefixLines(prefix: string, later: string): LineJoiner {
  let parts: Buffer[] = [];
  let partBytes = 0;
  let isLater = false;
  const take = (last: Buffer, wholeLine: boolean): Buffer => {
    const all = parts.length > 0 ? Buffer.concat([...parts, last]) : last;
    [parts, partBytes] = [[], 0];
    // One character a byte: whatever the bytes are, they come out as they went in.
    const text = all.toString('latin1', 0, wholeLine ? all.length - 1 : all.length);
    const lines = (isLater ? later : prefix) + text.replaceAll('\n', `\n${prefix}`);
    isLater = !wholeLine;
    return Buffer.from(`${lines}\n`, 'latin1');
  };
  return {
    add(chunk) {
      const cut = chunk.lastIndexOf(NEWLINE) + 1;
      const lines = cut > 0 ? take(chunk.subarray(0, cut), true) : undefined;
      if (cut === chunk.length) return lines;
      if (partBytes + chunk.length - cut > MAX_LINE_BYTES) {
        const part = take(chunk.subarray(cut), false);
        return lines ? Buffer.concat([lines, part]) : part;
      }
      parts.push(Buffer.from(chunk.subarray(cut))); // not a view, which would keep the whole packet
      partBytes += chunk.length - cut;
      if (parts.length > MAX_PARTS) parts = [Buffer.concat(parts)];
      return lines;
    },
    end: () => (partBytes > 0 ? take(Buffer.alloc(0), false) : undefined),
  };
}
