import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import type { Options } from 'execa';
import { ProloError } from '../errors.ts';

/** A program that the lab runs until it is stopped. */
export interface Running {
  name: string;
  pid: number;
  /** Settles when it has ended, with how. */
  ended: Promise<string>;
  hasEnded(): boolean;
  /** SIGTERM, and after `graceMs` SIGKILL; resolves when it is gone. */
  stop(graceMs?: number): Promise<void>;
  stdin: Writable | null;
  stdout: Readable | null;
}

export interface StartOptions {
  /** Its output; without `console` standard output too. */
  logFile: string;
  netns?: string;
  env?: Record<string, string>;
  cwd?: string;
  /** Standard input and output as streams. */
  console?: boolean;
}

/** It dies with this process, whatever ends this process. `ip netns exec` becomes the program, so the pid is its own. */
export async function startProcess(
  name: string,
  argv: readonly string[],
  options: StartOptions,
): Promise<Running> {
  const { execa } = await import('execa');
  const log = createWriteStream(options.logFile, { flags: 'a' });
  await once(log, 'open'); // then the program gets the file itself, not a pipe to this process
  const inside = options.netns ? ['ip', 'netns', 'exec', options.netns] : [];
  const how: Options = {
    stdin: options.console ? 'pipe' : 'ignore',
    stdout: options.console ? 'pipe' : log,
    stderr: log,
    buffer: false,
    reject: false,
    ...(options.env ? { env: options.env } : {}),
    ...(options.cwd ? { cwd: options.cwd } : {}),
  };
  const child = execa('setpriv', ['--pdeathsig', 'TERM', '--', ...inside, ...argv], how);
  let over = false;
  const ended = child.then((result) => {
    over = true;
    log.destroy();
    return result.signal ? `ended by ${result.signal}` : `exit status ${result.exitCode}`;
  });
  const { pid } = child;
  if (pid === undefined) throw new ProloError('failed', `${name}: cannot start: ${await ended}`);
  return {
    name,
    pid,
    ended,
    hasEnded: () => over,
    stdin: child.stdin as Writable | null,
    stdout: child.stdout as Readable | null,
    async stop(graceMs = 5000) {
      if (over) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await ended;
      clearTimeout(timer);
    },
  };
}
