import { openSync, writeSync } from 'node:fs';
import { answerOf } from './confirm.ts';

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

/** Undefined where this process has none, such as below cron. */
function openTerminal(): number | undefined {
  try {
    return openSync('/dev/tty', 'r+');
  } catch {
    return undefined;
  }
}
