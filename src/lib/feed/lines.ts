import { ProloError } from '../errors.ts';

/**
 * Cuts a stream of bytes into lines. It looks for the byte of the newline, which is part of no other character in
 * UTF-8, and decodes whole lines only; a character that two chunks share is safe.
 */
export interface LineReader {
  /** The lines that `chunk` completes, without their newlines. @throws ProloError when one is too long or no UTF-8. */
  push(chunk: Buffer): string[];
}

export function createLineReader(maxBytes: number): LineReader {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let parts: Buffer[] = [];
  let size = 0;
  const keep = (part: Buffer): void => {
    size += part.length;
    if (size > maxBytes) throw new ProloError('refused', `line: longer than ${maxBytes} bytes`);
    parts.push(part);
  };
  return {
    push(chunk) {
      const lines: string[] = [];
      let from = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
        keep(chunk.subarray(from, end));
        lines.push(decode(decoder, parts.length === 1 ? parts[0]! : Buffer.concat(parts)));
        parts = [];
        size = 0;
        from = end + 1;
      }
      if (from < chunk.length) keep(chunk.subarray(from));
      return lines;
    },
  };
}

function decode(decoder: { decode(bytes: Uint8Array): string }, bytes: Buffer): string {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw new ProloError('refused', `line: ${bytes.length} bytes that are no UTF-8`, { cause: error });
  }
}
