import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What a program took, with all the programs that it started and waited for. */
export interface Took {
  wallS: number;
  cpuS: number;
  /** The largest of them. */
  rssMib: number;
  status: number;
}

export interface RunInput {
  env?: Record<string, string>;
  input?: string;
  /** Takes standard output as it comes; without it nobody reads any. */
  onOutput?: (part: Buffer) => void;
  /** The exit status that is right; 0 unless it is said. */
  status?: number;
  /** Default: two minutes. */
  timeoutMs?: number;
}

/** Runs a program to its end. @throws Error for another exit status than the right one */
export async function runMeasured(
  argv: readonly string[],
  { env, input = '', onOutput, status = 0, timeoutMs = 120_000 }: RunInput & { env: Record<string, string> },
): Promise<Took> {
  const wrapper = join(import.meta.dirname, 'measured.py');
  const child = spawn('/usr/bin/python3', ['-I', wrapper, ...argv], {
    env,
    stdio: ['pipe', onOutput ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
  });
  child.stdin!.on('error', () => undefined).end(input);
  if (onOutput) child.stdout!.on('data', onOutput);
  let [errors, told] = ['', ''];
  child.stderr!.setEncoding('utf8').on('data', (part: string) => (errors += part));
  (child.stdio[3] as NodeJS.ReadableStream).on('data', (part: Buffer) => (told += part.toString()));
  await once(child, 'close');
  const took = (told ? JSON.parse(told) : { status: 'killed' }) as Took;
  if (took.status === status) return took;
  throw new Error(`${argv.join(' ')}: status ${took.status}: ${errors.slice(-2000)}`);
}
