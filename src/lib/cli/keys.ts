import type { Edit } from './line.ts';

/** What a key means at the prompt. */
export type Key =
  Edit | { key: 'enter' | 'interrupt' | 'end-of-input' | 'older' | 'newer' | 'search' | 'escape' };

/** What Ink says of a key press beside its text. */
export type Pressed = Partial<
  Record<
    | 'upArrow'
    | 'downArrow'
    | 'leftArrow'
    | 'rightArrow'
    | 'home'
    | 'end'
    | 'return'
    | 'escape'
    | 'ctrl'
    | 'meta'
    | 'tab'
    | 'backspace'
    | 'delete',
    boolean
  >
>;

const BY_CTRL: Record<string, Key> = {
  a: { edit: 'start' },
  b: { edit: 'left' },
  c: { key: 'interrupt' },
  d: { key: 'end-of-input' },
  e: { edit: 'end' },
  f: { edit: 'right' },
  g: { key: 'escape' },
  h: { edit: 'erase' },
  k: { edit: 'erase-after' },
  n: { key: 'newer' },
  p: { key: 'older' },
  r: { key: 'search' },
  u: { edit: 'erase-before' },
  w: { edit: 'erase-word' },
};

/**
 * What was pressed, as keys. Several characters at once were pasted, or typed ahead: if their only line end is the last
 * one, it is Enter; otherwise line ends are spaces, so that no pasted text runs by itself.
 */
export function keysOf(text: string, pressed: Pressed): Key[] {
  if (pressed.return) return [{ key: 'enter' }];
  if (pressed.upArrow) return [{ key: 'older' }];
  if (pressed.downArrow) return [{ key: 'newer' }];
  if (pressed.leftArrow) return [{ edit: pressed.ctrl || pressed.meta ? 'word-left' : 'left' }];
  if (pressed.rightArrow) return [{ edit: pressed.ctrl || pressed.meta ? 'word-right' : 'right' }];
  if (pressed.home) return [{ edit: 'start' }];
  if (pressed.end) return [{ edit: 'end' }];
  // Ink says `delete` of the key Delete, and of what most terminals send for backspace.
  if (pressed.backspace || pressed.delete) return [{ edit: pressed.meta ? 'erase-word' : 'erase' }];
  if (pressed.ctrl) return BY_CTRL[text] ? [BY_CTRL[text]] : [];
  if (pressed.escape) return [{ key: 'escape' }];
  if (pressed.tab) return [];
  if (pressed.meta && text === 'b') return [{ edit: 'word-left' }];
  if (pressed.meta && text === 'f') return [{ edit: 'word-right' }];
  return keysOfChunk(text);
}

function keysOfChunk(text: string): Key[] {
  const isTyped = /^[^\r\n]*[\r\n]$/.test(text);
  const line = isTyped ? text.slice(0, -1) : text.replace(/[\r\n]+/g, ' ');
  const keys: Key[] = line.split(/([\u0000-\u001f\u007f])/).flatMap((part): Key[] => {
    if (part === '') return [];
    const code = part.charCodeAt(0);
    if (code === 0x7f) return [{ edit: 'erase' }];
    if (code === 9) return [{ edit: 'insert', text: ' ' }];
    if (code >= 0x20) return [{ edit: 'insert', text: part.replace(/[\u0080-\u009f]/g, '') }];
    const key = BY_CTRL[String.fromCharCode(code + 0x60)];
    return key ? [key] : [];
  });
  return isTyped ? [...keys, { key: 'enter' }] : keys;
}
