import type { Outcome, Sink, Stream } from '../protocol.ts';

/** So much of an output is in --json. */
export const MAX_TEXT_BYTES = 64 * 1024;

/** The output of one machine as JSON can have it. */
export interface OutputText {
  stdout: string;
  stderr: string;
  stdoutBytes: number;
  stderrBytes: number;
  /** There was more than the text has. */
  stdoutCut?: true;
  stderrCut?: true;
  /** The text has replacement characters in place of bytes that are no UTF-8. */
  stdoutNotUtf8?: true;
  stderrNotUtf8?: true;
}

/** Keeps the first bytes of each output. */
export function keepHeads(): { sink: Sink; textOf(outcome: Outcome): OutputText } {
  const heads = new Map<string, Record<Stream, Head>>();
  const of = (hostname: string): Record<Stream, Head> => {
    let own = heads.get(hostname);
    if (!own) heads.set(hostname, (own = { stdout: createHead(), stderr: createHead() }));
    return own;
  };
  return {
    sink: {
      write: (hostname, stream, chunk) => addTo(of(hostname)[stream], chunk),
      end: () => undefined,
    },
    textOf({ hostname }) {
      const { stdout, stderr } = of(hostname);
      const [out, err] = [decode(stdout), decode(stderr)];
      return {
        stdout: out.text,
        stderr: err.text,
        stdoutBytes: stdout.bytes,
        stderrBytes: stderr.bytes,
        ...(out.isCut ? { stdoutCut: true } : {}),
        ...(err.isCut ? { stderrCut: true } : {}),
        ...(out.isUtf8 ? {} : { stdoutNotUtf8: true }),
        ...(err.isUtf8 ? {} : { stderrNotUtf8: true }),
      };
    },
  };
}

interface Head {
  kept: Buffer;
  keptBytes: number;
  bytes: number;
}

function createHead(): Head {
  return { kept: Buffer.alloc(0), keptBytes: 0, bytes: 0 };
}

function addTo(head: Head, chunk: Buffer): void {
  head.bytes += chunk.length;
  const more = Math.min(chunk.length, MAX_TEXT_BYTES - head.keptBytes);
  if (more <= 0) return;
  if (head.keptBytes + more > head.kept.length) {
    const larger = Buffer.allocUnsafe(Math.min(MAX_TEXT_BYTES, 2 * (head.keptBytes + more)));
    head.kept.copy(larger, 0, 0, head.keptBytes);
    head.kept = larger;
  }
  chunk.copy(head.kept, head.keptBytes, 0, more);
  head.keptBytes += more;
}

function decode({ kept, keptBytes, bytes }: Head): { text: string; isCut: boolean; isUtf8: boolean } {
  const head = kept.subarray(0, keptBytes);
  const isCut = bytes > keptBytes;
  // A character that the cut goes through is left out: such is no fault of the machine.
  const stream = { stream: isCut };
  try {
    return {
      text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(head, stream),
      isCut,
      isUtf8: true,
    };
  } catch {
    return { text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(head, stream), isCut, isUtf8: false };
  }
}
