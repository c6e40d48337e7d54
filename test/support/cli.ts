import { spawn } from 'node:child_process';
import { join } from 'node:path';

export const proloBin = join(import.meta.dirname, '../../bin/run.js');

export interface CliResult {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the built command line to its end, as a person in a pipe would. `input` goes to its standard input. */
export function prolo(
  args: readonly string[],
  options: {
    config?: string;
    input?: string;
    cwd?: string;
    timeoutMs?: number;
    env?: Record<string, string>;
  } = {},
): Promise<CliResult> {
  const env = {
    ...process.env,
    NO_COLOR: '1',
    ...(options.config ? { PROLO_CONFIG: options.config } : {}),
    ...options.env,
  };
  const child = spawn(process.execPath, [proloBin, ...args], {
    env,
    cwd: options.cwd,
    stdio: 'pipe',
    timeout: options.timeoutMs ?? 60_000,
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const collect = (stream: NodeJS.ReadableStream): Promise<string> => {
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    return new Promise((resolve) => stream.on('end', () => resolve(Buffer.concat(parts).toString('utf8'))));
  };
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on(
      'close',
      (status) =>
        void Promise.all([stdout, stderr]).then(([out, err]) =>
          resolve({ status, stdout: out, stderr: err }),
        ),
    );
  });
}
