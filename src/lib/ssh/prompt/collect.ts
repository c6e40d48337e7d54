import { visible } from '../output/visible.ts';
import type { Writer } from '../output/writer.ts';
import type { Entry } from './entries.ts';

/** So much of an answer is shown; all of it goes to a file with `:out`. */
const MAX_BYTES = 64 * 1024;
const MAX_LINES = 500;
const MAX_CHARACTERS = 1000;
/** Of all answers together: laying out 4000 lines takes Ink half a second, ten times that a minute. */
const MAX_LINES_IN_ALL = 4000;

/** A writer whose texts become entries, as a terminal can show them. */
export function collectEntries(): { writer: Writer; entries(): Entry[] } {
  const entries: Entry[] = [];
  let parts: Buffer[] = [];
  let kept = 0;
  let bytes = 0;
  let left = MAX_LINES_IN_ALL;
  const flush = (): void => {
    if (bytes > 0) {
      const text = shownText(Buffer.concat(parts), bytes, Math.min(left, MAX_LINES));
      left = Math.max(0, left - text.split('\n').length);
      entries.push({ is: 'output', text });
    }
    parts = [];
    kept = bytes = 0;
  };
  return {
    writer: {
      bytes(chunk) {
        bytes += chunk.length;
        if (kept >= MAX_BYTES) return;
        const part = Buffer.from(chunk.subarray(0, MAX_BYTES - kept));
        parts.push(part);
        kept += part.length;
      },
      title(text) {
        flush();
        entries.push({ is: 'title', text });
      },
    },
    entries: () => (flush(), entries),
  };
}

/** The first lines of an answer, without what moves a cursor. @param bytes of all of it */
export function shownText(start: Buffer, bytes: number, maxLines = MAX_LINES): string {
  const lines = visible(start).toString('utf8').replace(/\n$/, '').split('\n');
  const shown = lines.slice(0, maxLines).map((line) => expandTabs(line.slice(0, MAX_CHARACTERS)));
  const isCut =
    start.length < bytes || lines.length > maxLines || lines.some(({ length }) => length > MAX_CHARACTERS);
  return [...shown, ...(isCut ? [`… cut here: ${bytes} bytes in all, :out FILE writes them`] : [])].join(
    '\n',
  );
}

function expandTabs(line: string): string {
  if (!line.includes('\t')) return line;
  let out = '';
  for (const [i, part] of line.split('\t').entries())
    out = i === 0 ? part : out + ' '.repeat(8 - (out.length % 8)) + part;
  return out;
}
