import { openSync, writeSync } from 'node:fs';
import type { Interface } from 'node:readline';
import { ProloError } from '../errors.ts';

/**
 * Asks before what cannot be undone; anything but `y` or `yes` is a no.
 * @param look the flag that shows what would be done
 * @throws ProloError `bad-input` where nobody can be asked and `--yes` was not given
 */
export async function confirm(question: string, yes: boolean, look = '--dry-run'): Promise<boolean> {
  if (yes) return true;
  const answer = await askPerson(question);
  if (answer !== undefined) return answer;
  throw new ProloError('bad-input', `${question} nobody is at the terminal to ask`, {
    hint: `say --yes, or look first with ${look}`,
  });
}

/**
 * Asks whoever is at the terminal, also where standard input is a pipe, of which nothing is read.
 * @returns true for `y` or `yes`; undefined where nobody can be asked: neither standard input nor error is a terminal
 */
export async function askPerson(question: string): Promise<boolean | undefined> {
  if (!process.stdin.isTTY && !process.stderr.isTTY) return undefined;
  const fd = openTerminal();
  if (fd === undefined) return undefined;
  const [{ createInterface }, { ReadStream }] = await Promise.all([
    import('node:readline'),
    import('node:tty'),
  ]);
  writeSync(fd, `${question} [y/N] `);
  const input = new ReadStream(fd);
  try {
    return await answerOf(createInterface({ input, terminal: false })); // the terminal's own editing; ^C ends the program
  } finally {
    input.destroy();
  }
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

/** Undefined where this process has none, such as below cron. */
function openTerminal(): number | undefined {
  try {
    return openSync('/dev/tty', 'r+');
  } catch {
    return undefined;
  }
}
