import { spawn } from 'node:child_process';
import { proloBin } from './cli.ts';

/**
 * Runs the built command line as a person at a terminal would, in a terminal of its own, until it ends.
 * @param answers what is typed, each once the text before it was seen
 * @param pipe a shell's command whose output is its standard input, in place of the terminal
 * @returns all that the terminal showed, with plain line ends
 */
export function proloAtTerminal(
  args: readonly string[],
  {
    config,
    answers = [],
    pipe,
  }: { config: string; answers?: [after: RegExp, typed: string][]; pipe?: string },
): Promise<{ status: number | null; shown: string }> {
  const quoted = [process.execPath, proloBin, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  const line = `${pipe ? `${pipe} | ` : 'exec '}${quoted.join(' ')}`;
  const child = spawn('script', ['-qefc', line, '/dev/null'], {
    env: { ...process.env, NO_COLOR: '1', PROLO_CONFIG: config, SHELL: '/bin/sh', TERM: 'xterm' },
    timeout: 60_000,
  });
  const waiting = [...answers];
  let shown = '';
  let seen = 0;
  child.stdout.on('data', (part: Buffer) => {
    shown += part.toString('utf8');
    const found = waiting[0]?.[0].exec(shown.slice(seen));
    if (!found) return;
    seen += found.index + found[0].length;
    child.stdin.write(waiting.shift()![1]);
  });
  child.stdin.on('error', () => undefined);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, shown: shown.replaceAll('\r', '') }));
  });
}
