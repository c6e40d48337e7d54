import { ProloError } from '../errors.ts';
import type { MachineRecord } from '../mdb/record.ts';
import { selectMachines } from '../mdb/select.ts';

/** Without it, `wall` shows letters beyond ASCII as numbers: a session over SSH has no locale. */
export const WALL_COMMAND = 'env LC_ALL=C.UTF-8 wall';

/**
 * The words that choose machines, and those of the message: before and after the first `--`. Without one all are the message.
 * @param argv as they were given. @param words those that are no flags
 */
export function wallWords(
  argv: readonly string[],
  words: readonly string[],
): { selection: string[]; message: string[]; isMarked: boolean } {
  const at = argv.indexOf('--');
  if (at < 0) return { selection: [], message: [...words], isMarked: false };
  const message = argv.slice(at + 1);
  return { selection: words.slice(0, words.length - message.length), message, isMarked: true };
}

/** Who forgets the `--` would tell everybody. @throws ProloError `bad-input` where a message begins with the names of machines */
export function checkNoSelection(message: readonly string[], machines: readonly MachineRecord[]): void {
  const [first = ''] = message;
  let isSelection = /^@|\[\d/.test(first);
  try {
    isSelection ||= selectMachines([first], machines).length > 0;
  } catch {
    // a word
  }
  if (isSelection)
    throw new ProloError('bad-input', `wall: ${first}: machines, or the message?`, {
      hint: 'the message comes after --: `prolo wall @room:pasteur -- Lunch is ready`, to all: `prolo wall -- Lunch is ready`',
    });
}

/** What people read: nothing in it moves their cursor. @throws ProloError `bad-input` where nothing is left */
export function wallText(words: readonly string[]): string {
  const text = words
    .join(' ')
    .replace(/\r\n?/g, '\n')
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '')
    .trim();
  if (text !== '') return `${text}\n`;
  throw new ProloError('bad-input', 'wall: no message', {
    hint: '`prolo wall Lunch is ready`, or to some: `prolo wall @room:pasteur -- Lunch is ready`',
  });
}
