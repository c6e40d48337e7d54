import type { RunProgram } from '../apply/programs.ts';
import { ProloError } from '../errors.ts';
import type { RunResult } from '../exec.ts';

export interface CheckOptions {
  runProgram: RunProgram;
  signal?: AbortSignal;
}

/**
 * Lets a zone's checker read it.
 * @param owners whom each line of the file is about
 * @throws ProloError `refused` that names the machine
 */
export async function checkZone(
  argv: readonly string[],
  zone: { origin: string; view: string; path: string; owners: ReadonlyMap<number, string> },
  { runProgram, signal }: CheckOptions,
): Promise<void> {
  if (argv.length === 0) return;
  const result = await runProgram([...argv, zone.origin, zone.path], signal ? { signal } : {});
  if (!result || result.exitCode === 0) return;
  const words = `${result.stdout}\n${result.stderr}`;
  const complaints = [...words.matchAll(/^(?:[\w-]+: )?(\/.*?):(\d+): (.+)$/gm)]
    .filter(([, path]) => path === zone.path)
    .map(([, , line, what]) => `${zone.owners.get(Number(line)) ?? `line ${line}`}: ${what}`);
  const title = `zone ${zone.origin} (view ${zone.view})`;
  throw new ProloError(
    'refused',
    `${title}: ${complaints.join('; ') || lastWords(result, zone.path, 'it')}`,
    {
      hint: 'correct that machine with `prolo mdb set`; until then DNS stays as it is',
    },
  );
}

/** @throws ProloError `refused` */
export async function checkConf(
  argv: readonly string[],
  path: string,
  { runProgram, signal }: CheckOptions,
): Promise<void> {
  if (argv.length === 0) return;
  const result = await runProgram([...argv, path], signal ? { signal } : {});
  if (!result || result.exitCode === 0) return;
  throw new ProloError('refused', `named.conf: ${lastWords(result, path, 'named.conf')}`, {
    hint: 'see `dns` and `networks` in prolo.yml; until then DNS stays as it is',
  });
}

function lastWords({ exitCode, stdout, stderr }: RunResult, path: string, name: string): string {
  const lines = `${stderr}\n${stdout}`.split('\n').filter((line) => line.trim() !== '');
  return lines.slice(-3).join('; ').replaceAll(path, name) || `the checker ended with status ${exitCode}`;
}
