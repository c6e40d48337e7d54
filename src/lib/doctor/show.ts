import { printable } from '../cli/table.ts';
import { type Colour, worst } from './check.ts';
import type { Outcome } from './examine.ts';

interface Terminal {
  isTTY?: boolean;
}

const SIGNS: Record<Colour, { word: string; code: number }> = {
  green: { word: 'green ', code: 32 },
  yellow: { word: 'yellow', code: 33 },
  red: { word: 'red   ', code: 31 },
};

/** A page: what is red, what is yellow, and one line for each that is well. */
export function describeOutcomes(outcomes: readonly Outcome[], terminal: Terminal): string {
  const width = Math.max(...outcomes.map(({ name }) => name.length));
  const lines = outcomes.flatMap((outcome) =>
    outcome.findings.flatMap(({ colour, what, fix }) => [
      `${sign(colour, terminal)}  ${outcome.name.padEnd(width)}  ${printable(what)}`,
      ...(fix === undefined ? [] : [`${' '.repeat(10 + width)}${printable(fix)}`]),
    ]),
  );
  return [...lines, '', summary(outcomes)].join('\n');
}

function sign(colour: Colour, { isTTY }: Terminal): string {
  const { word, code } = SIGNS[colour];
  return isTTY && !process.env.NO_COLOR ? `\u001b[${code}m${word}\u001b[39m` : word;
}

/** `18 checks: 15 green, 2 yellow, 1 red` */
function summary(outcomes: readonly Outcome[]): string {
  const count = (colour: Colour): number => outcomes.filter((one) => one.colour === colour).length;
  const counts = (['green', 'yellow', 'red'] as const).flatMap((colour) =>
    count(colour) > 0 ? [`${count(colour)} ${colour}`] : [],
  );
  return `${outcomes.length} ${outcomes.length === 1 ? 'check' : 'checks'}: ${counts.join(', ')}`;
}

/** 1 when something is red. */
export function exitStatus(outcomes: readonly Outcome[]): number {
  return worst(outcomes) === 'red' ? 1 : 0;
}
