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
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
