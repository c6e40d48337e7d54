import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SubscribersReport, SubscribersTask } from './subscribers.ts';

const root = join(import.meta.dirname, '../..');
/** Open files that a process with 10,000 connections needs. */
const OPEN_FILES = 12_000;

export interface Child {
  pid: number;
  /** What its output matched when it was ready. */
  match: RegExpMatchArray;
  stop(): Promise<void>;
}

/** Starts one of the project's own programs and waits for the words that say it is ready. */
export async function startScript(file: string, args: string[], ready: RegExp): Promise<Child> {
  const child = start(file, args);
  let output = '';
  const match = await new Promise<RegExpMatchArray>((resolve, reject) => {
    child.stdout!.on('data', (part: Buffer) => {
      output += part.toString();
      const found = output.match(ready);
      if (found) resolve(found);
    });
    child.once('exit', (code, signal) =>
      reject(new Error(`${file}: ended with ${code ?? signal}: ${output}`)),
    );
  });
  return { pid: child.pid!, match, stop: () => stop(child) };
}

export interface Subscribers {
  /** The time (`process.hrtime`, the same in all processes) when the last of them had its next line. */
  nextLine(): Promise<bigint>;
  stop(): Promise<void>;
}

/** So many connections to a feed, spread over some processes, each with its first line. */
export async function startSubscribers(
  port: number,
  path: string,
  count: number,
  processes: number,
): Promise<Subscribers> {
  const each = Math.ceil(count / processes);
  const groups: { child: ChildProcess; next(): Promise<bigint> }[] = [];
  for (let left = count; left > 0; left -= each) {
    const task: SubscribersTask = { port, path, count: Math.min(each, left) };
    const child = start('bench/support/subscribers.ts', [JSON.stringify(task)]);
    const group = { child, next: reports(child) };
    groups.push(group);
    await group.next();
  }
  return {
    async nextLine() {
      const times = await Promise.all(groups.map(({ next }) => next()));
      return times.reduce((a, b) => (a > b ? a : b));
    },
    async stop() {
      await Promise.all(groups.map(({ child }) => stop(child)));
    },
  };
}

/** The reports of a process, one a call. */
function reports(child: ChildProcess): () => Promise<bigint> {
  const waiting: SubscribersReport[] = [];
  let wake = (): void => undefined;
  const tell = (report: SubscribersReport): void => {
    waiting.push(report);
    wake();
  };
  child.on('message', (report) => tell(report as SubscribersReport));
  child.on('exit', (code, signal) => tell({ failed: `ended with ${code ?? signal}` }));
  return async () => {
    while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    const report = waiting.shift()!;
    if ('failed' in report) throw new Error(`subscribers: ${report.failed}`);
    return BigInt(report.atNs);
  };
}

function start(file: string, args: string[]): ChildProcess {
  const limit = /Max open files\s+\d+\s+(\d+|unlimited)/.exec(readFileSync('/proc/self/limits', 'utf8'))![1]!;
  const raise = Number(limit) < OPEN_FILES ? ['prlimit', `--nofile=${OPEN_FILES}:${OPEN_FILES}`, '--'] : [];
  const argv = [...raise, process.execPath, ...(file.endsWith('.ts') ? ['--import=tsx'] : []), file, ...args];
  return spawn(argv[0]!, argv.slice(1), { cwd: root, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.removeAllListeners('message');
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(late);
}
