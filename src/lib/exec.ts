import { ProloError } from './errors.ts';

export interface RunOptions {
  /** Sent to the program's standard input. */
  input?: string | Buffer;
  /** Default 30 s; the program is killed when it is over. */
  timeoutMs?: number;
  cwd?: string;
  env?: Record<string, string>;
  signal?: AbortSignal;
  /** Of its output; `latin1` is one character a byte. Default: UTF-8. */
  encoding?: 'latin1';
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
    env: { PATH: searchPath(), ...options.env },
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    ...(options.encoding === undefined ? {} : { encoding: options.encoding }),
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
 * As `run`, where every millisecond counts: on a login's way. Killed after `timeoutMs`; its exit status is -1 then.
 * @throws ProloError `unavailable` when the program is not there
 */
export async function runLight(argv: readonly string[], timeoutMs = 10_000): Promise<RunResult> {
  const { execFile } = await import('node:child_process');
  const [file = '', ...args] = argv;
  const env = { ...process.env, PATH: searchPath() };
  return new Promise((resolve, reject) => {
    execFile(file, args, { timeout: timeoutMs, killSignal: 'SIGKILL', env }, (error, stdout, stderr) => {
      if (error?.code === ('ENOENT' as unknown))
        reject(new ProloError('unavailable', `program ${file}: not found`, { hint: 'install it' }));
      else
        resolve({ exitCode: error ? (typeof error.code === 'number' ? error.code : -1) : 0, stdout, stderr });
    }).stdin?.end();
  });
}

/**
 * As `run`, where the output is looked at while it comes, or is more than a text should be.
 * @throws ProloError as `run` does
 */
export async function runWatched(
  argv: readonly string[],
  onOutput: (part: Buffer) => void,
  { timeoutMs = 30_000, env, signal }: Pick<RunOptions, 'timeoutMs' | 'env' | 'signal'> = {},
): Promise<Omit<RunResult, 'stdout'>> {
  const { spawn } = await import('node:child_process');
  const [file = '', ...args] = argv;
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: searchPath(), ...env },
    ...(signal ? { signal } : {}),
  });
  let stderr = '';
  let timedOut = false;
  const timer = setTimeout(() => (timedOut = child.kill('SIGKILL')), timeoutMs);
  child.stdout.on('data', onOutput);
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (stderr.length < MAX_STDERR) stderr += text;
  });
  try {
    return await new Promise((resolve, reject) =>
      child
        .once('error', (cause) =>
          reject(
            new ProloError('unavailable', `program ${file}: ${cause.message}`, {
              hint: 'is it installed?',
              cause,
            }),
          ),
        )
        .once('close', (exitCode, signal) => {
          if (timedOut) reject(new ProloError('failed', `program ${file}: no answer in ${timeoutMs} ms`));
          else if (exitCode === null)
            reject(new ProloError('failed', `program ${file}: killed by ${signal}`));
          else resolve({ exitCode, stderr });
        }),
    );
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Runs a program and feeds it a stream. Where the source fails, the program is killed before it sees an end.
 * @throws ProloError `unavailable`, `failed` as `run` does; the source's error
 */
export async function runFed(
  argv: readonly string[],
  source: AsyncIterable<Buffer>,
  options: Pick<RunOptions, 'env' | 'timeoutMs'>,
): Promise<RunResult> {
  const child = await startPiped(argv, options.env);
  const timer = setTimeout(() => child.process.kill('SIGKILL'), options.timeoutMs ?? 30_000);
  const { stdin } = child.process;
  stdin.on('error', () => undefined); // it ended early: its exit status says why
  try {
    for await (const chunk of source) {
      if (stdin.destroyed || stdin.errored) break;
      if (!stdin.write(chunk))
        await Promise.race([new Promise((resolve) => stdin.once('drain', resolve)), child.result]);
    }
    stdin.end();
    return await child.result;
  } catch (error) {
    child.process.kill('SIGKILL');
    await child.result.catch(() => undefined);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Runs two programs, the one's output being the other's input. @throws ProloError with the words of the one that failed */
export async function runPiped(
  from: readonly string[],
  to: readonly string[],
  options: Pick<RunOptions, 'env' | 'timeoutMs'>,
): Promise<void> {
  const reader = await startPiped(to, undefined);
  const writer = await startPiped(from, options.env, reader.process.stdin);
  writer.process.stdin.end();
  const timer = setTimeout(() => {
    writer.process.kill('SIGKILL');
    reader.process.kill('SIGKILL');
  }, options.timeoutMs ?? 30_000);
  try {
    const [wrote, read] = await Promise.all([writer.result, reader.result]);
    const failed = [
      { argv: to, ...read },
      { argv: from, ...wrote },
    ].find(({ exitCode }) => exitCode !== 0);
    if (!failed) return;
    throw new ProloError(
      'failed',
      `program ${failed.argv.join(' ')}: exit status ${failed.exitCode}: ${failed.stderr.trim().slice(-500)}`,
    );
  } finally {
    clearTimeout(timer);
  }
}

/** What a program complains of may be in the hands of whoever made its input. */
const MAX_STDERR = 1024 ** 2;

/** A program whose input is a pipe of ours; its output is kept, or goes into `into`. */
async function startPiped(
  argv: readonly string[],
  env: Record<string, string> | undefined,
  into?: NodeJS.WritableStream,
) {
  const { spawn } = await import('node:child_process');
  const [file = '', ...args] = argv;
  const child = spawn(file, args, {
    stdio: 'pipe',
    env: { ...process.env, PATH: searchPath(), ...env },
  });
  let stdout = '';
  let stderr = '';
  if (into) child.stdout.pipe(into).on('error', () => child.stdout.resume());
  else child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (stderr.length < MAX_STDERR) stderr += text;
  });
  const result = exitOf(child, file).then((exitCode) => ({ exitCode, stdout, stderr }));
  result.catch(() => undefined);
  return { process: child, result };
}

/**
 * Runs a program that takes long, line by line of what it says, on both of its outputs. Resolves whatever its exit status is.
 * @throws ProloError `unavailable` when the program is not there, `failed` when it was killed
 */
export async function runLines(
  argv: readonly string[],
  onLine: (line: string) => void,
  options: Pick<RunOptions, 'env' | 'signal'> = {},
): Promise<number> {
  const { spawn } = await import('node:child_process');
  const { createInterface } = await import('node:readline');
  const [file = '', ...args] = argv;
  const env = { ...process.env, PATH: searchPath(), ...options.env };
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env, signal: options.signal });
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', onLine);
  return exitOf(child, file);
}

/** Gives a program this process's terminal. @returns its exit status */
export async function runAttached(
  argv: readonly string[],
  options: Pick<RunOptions, 'env'> = {},
): Promise<number> {
  const { spawn } = await import('node:child_process');
  const [file = '', ...args] = argv;
  const env = { ...process.env, PATH: searchPath(), ...options.env };
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore); // ^C is the program's, where it is in the same process group
  try {
    return await exitOf(spawn(file, args, { stdio: 'inherit', env }), file);
  } finally {
    process.off('SIGINT', ignore);
  }
}

function exitOf(child: NodeJS.EventEmitter, file: string): Promise<number> {
  return new Promise((resolve, reject) =>
    child
      .once('error', (cause: Error) =>
        reject(
          new ProloError('unavailable', `program ${file}: ${cause.message}`, {
            hint: 'is it installed?',
            cause,
          }),
        ),
      )
      .once('close', (exitCode: number | null, signal: string) => {
        if (exitCode === null) reject(new ProloError('failed', `program ${file}: killed by ${signal}`));
        else resolve(exitCode);
      }),
  );
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
      env: { PATH: searchPath() },
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

/** With the places of root's programs, which not every user's has. */
function searchPath(): string {
  return `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
}
