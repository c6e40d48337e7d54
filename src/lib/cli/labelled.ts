import { displayWidth } from './table.ts';

/** What there is to say under a name, a sentence a line. */
export interface Labelled {
  label: string;
  said: readonly string[];
}

/**
 * Sentences in one column, their labels in another. What does not fit is broken between words, and goes on one step further in; what
 * has no spaces, such as a node set, stays whole.
 */
export function labelled(rows: readonly Labelled[], width = 80): string[] {
  const indent = Math.max(...rows.map(({ label }) => label.length)) + 2;
  return rows.flatMap(({ label, said }) =>
    said
      .flatMap((sentence) => breakWords(sentence, width - indent))
      .map((line, index) => `${(index === 0 ? label : '').padEnd(indent)}${line}`),
  );
}

function breakWords(sentence: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of sentence.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && displayWidth(`${last} ${word}`) <= width) lines[lines.length - 1] += ` ${word}`;
    else lines.push(last === undefined ? word : `  ${word}`);
  }
  return lines;
}
