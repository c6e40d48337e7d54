/** What is typed, and where the cursor is in it: between characters, as people see them. */
export interface Line {
  text: string;
  cursor: number;
}

export const EMPTY_LINE: Line = { text: '', cursor: 0 };

export type Edit =
  | { edit: 'insert'; text: string }
  | { edit: 'left' | 'right' | 'word-left' | 'word-right' | 'start' | 'end' }
  | { edit: 'erase' | 'erase-next' | 'erase-word' | 'erase-before' | 'erase-after' };

/** Emoji, accents put together and the like are one step. */
const segmenter = new Intl.Segmenter();

export function lineOf(text: string): Line {
  return { text, cursor: text.length };
}

export function editLine(line: Line, edit: Edit): Line {
  const before = line.text.slice(0, line.cursor);
  const after = line.text.slice(line.cursor);
  const at = (cursor: number): Line => ({ text: line.text, cursor });
  const with_ = (left: string, right: string): Line => ({ text: left + right, cursor: left.length });
  switch (edit.edit) {
    case 'insert':
      return with_(before + edit.text, after);
    case 'left':
      return at(before.length - lastStep(before).length);
    case 'right':
      return at(line.cursor + firstStep(after).length);
    case 'word-left':
      return at(withoutLastWord(before).length);
    case 'word-right':
      return at(line.text.length - after.replace(/^\s*\S*/, '').length);
    case 'start':
      return at(0);
    case 'end':
      return at(line.text.length);
    case 'erase':
      return with_(before.slice(0, before.length - lastStep(before).length), after);
    case 'erase-next':
      return with_(before, after.slice(firstStep(after).length));
    case 'erase-word':
      return with_(withoutLastWord(before), after);
    case 'erase-before':
      return with_('', after);
    case 'erase-after':
      return with_(before, '');
  }
}

function withoutLastWord(text: string): string {
  return text.replace(/\S*\s*$/, '');
}

function firstStep(text: string): string {
  return segmenter.segment(text)[Symbol.iterator]().next().value?.segment ?? '';
}

function lastStep(text: string): string {
  let last = '';
  for (const { segment } of segmenter.segment(text)) last = segment;
  return last;
}

/** The part of a line that has room, with the cursor in it. */
export function visiblePart(
  { text, cursor }: Line,
  width: number,
): { before: string; on: string; after: string } {
  const from = cursor < width ? 0 : cursor - width + 1;
  const on = firstStep(text.slice(cursor)) || ' ';
  return {
    before: text.slice(from, cursor),
    on,
    after: text.slice(cursor + on.length, Math.max(from + width, cursor + on.length)),
  };
}
