import type { Interface } from 'node:readline';
import { ProloError } from '../errors.ts';

/**
 * Asks before what cannot be undone; anything but `y` or `yes` is a no.
 * @param look the flag that shows what would be done
 * @throws ProloError `bad-input` where nobody can be asked and `--yes` was not given
 */
export async function confirm(question: string, yes: boolean, look = '--dry-run'): Promise<boolean> {
  if (yes) return true;
  if (!process.stdin.isTTY)
    throw new ProloError('bad-input', `${question} nobody is at the terminal to ask`, {
      hint: `say --yes, or look first with ${look}`,
    });
  const { createInterface } = await import('node:readline');
  process.stderr.write(`${question} [y/N] `);
  return answerOf(createInterface({ input: process.stdin, terminal: false })); // the terminal's own editing; ^C ends the program
}

/** Whether the first line is a yes; what is asked and not done is said. Closes `lines`. */
export async function answerOf(
  lines: Interface,
  say: NodeJS.WritableStream = process.stderr,
): Promise<boolean> {
  const line = await new Promise<string | undefined>((resolve) => {
    lines.once('line', resolve);
    lines.once('close', () => resolve(undefined));
  });
  lines.close();
  const yes = /^y(es)?$/i.test(line?.trim() ?? '');
  if (line === undefined) say.write('\n'); // ^D leaves the cursor behind the question
  if (!yes) say.write('nothing was done\n');
  return yes;
}
