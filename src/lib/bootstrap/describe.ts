import { TARGET } from './judge.ts';
import type { Action, Step } from './step.ts';

/** A step with all that it does: calls as they could be typed. */
export function describeStep({ name, what, actions }: Step, root = TARGET): string {
  return [
    `${name}: ${what}`,
    ...actions.flatMap((action) => describeAction(action, root).map((line) => `  ${line}`)),
  ].join('\n');
}

function describeAction(action: Action, root: string): string[] {
  if ('file' in action) return [`+ ${root}${action.file.path}`, ...indented(action.file.text)];
  if ('link' in action) return [`+ ${root}${action.link} -> ${action.to}`];
  if ('prolo' in action) return [`+ ${root}/usr/lib/prolo, ${root}/usr/bin/prolo`];
  const { argv, input, secret } = action;
  return [argv.map(quoted).join(' '), ...(input === undefined ? [] : secret ? ['    …'] : indented(input))];
}

const indented = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `    ${line}`);

const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
