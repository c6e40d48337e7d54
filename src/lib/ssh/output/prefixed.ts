import type { Outcome, Sink, Stream } from '../protocol.ts';

/** The longest line that is kept until its end comes; what is longer is written in parts. */
const MAX_LINE_BYTES = 64 * 1024;

/**
 * Each line behind the name of its machine, as it comes. Lines of several machines never mix; bytes are passed on as they are.
 * @param write resolves when more can be taken
 */
export function prefixedSink(
  write: (stream: Stream, bytes: Buffer) => void | Promise<void>,
  end: (outcome: Outcome) => void,
): Sink {
  const rests = new Map<string, Buffer>();
  const flush = async (hostname: string, stream: Stream, bytes: Buffer): Promise<void> => {
    const key = `${stream} ${hostname}`;
    const all = Buffer.concat([rests.get(key) ?? Buffer.alloc(0), bytes]);
    const cut = all.length > MAX_LINE_BYTES ? all.length : all.lastIndexOf(10) + 1;
    rests.set(key, all.subarray(cut));
    if (cut > 0) await write(stream, prefixLines(hostname, all.subarray(0, cut)));
  };
  return {
    write: flush,
    async end(outcome) {
      for (const stream of ['stdout', 'stderr'] as const) {
        const key = `${stream} ${outcome.hostname}`;
        const rest = rests.get(key);
        rests.delete(key);
        if (rest?.length) await write(stream, prefixLines(outcome.hostname, rest));
      }
      end(outcome);
    },
  };
}

function prefixLines(hostname: string, bytes: Buffer): Buffer {
  const prefix = Buffer.from(`${hostname}: `);
  const parts: Buffer[] = [];
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(10, start);
    const next = found < 0 ? bytes.length : found + 1;
    parts.push(prefix, bytes.subarray(start, next));
    start = next;
  }
  if (bytes.at(-1) !== 10) parts.push(Buffer.from('\n'));
  return Buffer.concat(parts);
}
