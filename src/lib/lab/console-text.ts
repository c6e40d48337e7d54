/** What a terminal's escape sequences leave: text in lines. State is only a sequence cut in two by the stream. */
export interface PlainText {
  push(chunk: string): string;
}

const COMPLETE = /\u001b(?:\[([0-9;?=]*)([A-Za-z])|[()][0-9A-Za-z]|[=>78cDEHM])/g;
const CUT = /\u001b(?:\[[0-9;?=]*|[()])?$/;

/**
 * Firmware and menus draw by moving the cursor; each move to another place becomes a line break, colours and erasures
 * nothing, so that one can look for words in what was drawn.
 */
export function createPlainText(): PlainText {
  let rest = '';
  let row = '';
  return {
    push(chunk) {
      const text = rest + chunk;
      rest = CUT.exec(text)?.[0] ?? '';
      return text
        .slice(0, text.length - rest.length)
        .replace(COMPLETE, (_all, args: string | undefined, letter: string | undefined) => {
          if (letter !== 'H' && letter !== 'f') return '';
          const previous = row;
          row = args?.split(';')[0] || '1';
          return row === previous ? '' : '\n';
        })
        .replace(/[\r\b]/g, '');
    },
  };
}
