import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

export interface TestProcess {
  child: ChildProcess;
  /** The next message that it sends. @throws Error when it ends before. */
  next<T>(): Promise<T>;
  /** Resolves when it has ended, whatever its status. */
  ended: Promise<void>;
  /** `kill -9`, and waits for the end. */
  kill(): Promise<void>;
}

/** Runs a file of test/support as a process of its own; it ends with this one. */
export function startProcess(file: string, args: readonly string[]): TestProcess {
  const child = fork(join(root, 'test/support', file), args, {
    cwd: root,
    execArgv: ['--import=tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const messages: unknown[] = [];
  let wake: (() => void) | undefined;
  child.on('message', (message) => {
    messages.push(message);
    wake?.();
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  void ended.then(() => wake?.());
  return {
    child,
    ended,
    async next<T>() {
      while (messages.length === 0) {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`${file} ended with ${child.exitCode ?? child.signalCode}`);
        await new Promise<void>((resolve) => (wake = resolve));
      }
      return messages.shift() as T;
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** The site's daemons in a process of their own, ready. */
export async function startDaemonProcess(configFile: string, ...names: string[]): Promise<TestProcess> {
  const started = startProcess('run-daemon.ts', [configFile, ...names]);
  await started.next();
  return started;
}
