/**
 * Puts lines of ours into a text, in place of those that were there; every other line stays as it is, byte for byte, in its
 * order. Ours are together: where the first of the old ones was, else at the end, and in any case before a line of NIS.
 * Texts are latin1, a byte a character.
 */
export function replaceOwn(
  text: string,
  isOwn: (line: string, place: number) => boolean,
  own: readonly string[],
  isNis: (line: string) => boolean = () => false,
): string {
  const lines = linesOf(text);
  const ours = lines.map(isOwn);
  const places = [ours.indexOf(true), lines.findIndex(isNis)].filter((place) => place >= 0);
  const at = Math.min(lines.length, ...places);
  const after = lines.filter((_line, place) => place >= at && !ours[place]);
  const all = [...lines.slice(0, at), ...own, ...after];
  const open = text !== '' && !text.endsWith('\n') && !ours.at(-1) && (after.length > 0 || own.length === 0);
  return all.join('\n') + (all.length > 0 && !open ? '\n' : '');
}

/** Of passwd and its like: others' accounts, and behind them no line of a file is read. */
export const isNisLine = (line: string): boolean => /^[+-]/.test(line);

export function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** A text as bytes, a character each. */
export const asBytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
