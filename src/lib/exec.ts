import { ProloError } from './errors.ts';

export interface RunOptions {
  /** Sent to the program's standard input. */
  input?: string | Buffer;
  /** Default 30 s; the program is killed when it is over. */
  timeoutMs?: number;
  cwd?: string;
  env?: Record<string, string>;
  signal?: AbortSignal;
}

export interface RunResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs a program to its end, as an argv array, never through a shell. Resolves whatever its exit status is.
 * @throws ProloError `unavailable` when the program is not there, `failed` when it was killed or timed out.
 */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { execa } = await import('execa');
  const [file = '', ...args] = argv;
  const timeoutMs = options.timeoutMs ?? 30_000;
  const result = await execa(file, args, {
    reject: false,
    timeout: timeoutMs,
    stripFinalNewline: false,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`, ...options.env },
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
  });
  if (result.code === 'ENOENT')
    throw new ProloError('unavailable', `program ${file}: not found`, {
      hint: 'install it, or set its path in prolo.yml',
    });
  if (result.timedOut) throw new ProloError('failed', `program ${file}: no answer in ${timeoutMs} ms`);
  if (result.exitCode === undefined)
    throw new ProloError('failed', `program ${file}: ${result.shortMessage ?? 'killed'}`);
  return { exitCode: result.exitCode, stdout: String(result.stdout), stderr: String(result.stderr) };
}

/** Like `run`, but an exit status other than 0 is a `failed` error that quotes the program's last words. */
export async function runOk(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const result = await run(argv, options);
  if (result.exitCode === 0) return result;
  const words = (result.stderr.trim() || result.stdout.trim()).split('\n').slice(-5).join('\n');
  throw new ProloError('failed', `program ${argv.join(' ')}: exit status ${result.exitCode}: ${words}`);
}

/**
 * Starts a program that outlives this process: a session of its own, nothing of its input, its output appended to a file.
 * @returns its pid
 * @throws ProloError `unavailable` when the program is not there
 */
export async function startDetached(argv: readonly string[], logFile: string): Promise<number> {
  const { spawn } = await import('node:child_process');
  const { openSync, closeSync } = await import('node:fs');
  const [file = '', ...args] = argv;
  const log = openSync(logFile, 'a', 0o600);
  try {
    const child = spawn(file, args, {
      detached: true,
      stdio: ['ignore', log, log],
      env: { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
    });
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    child.unref();
    return child.pid!;
  } catch (error) {
    throw new ProloError('unavailable', `program ${file}: ${(error as Error).message}`, {
      hint: 'is it installed?',
      cause: error,
    });
  } finally {
    closeSync(log);
  }
}
