import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findProgram } from './needs.ts';

/** For `needs`. */
export const namedPackages: Record<string, string> = {
  named: 'bind9',
  'named-checkzone': 'bind9-utils',
  'named-checkconf': 'bind9-utils',
  rndc: 'bind9-utils',
  dig: 'bind9-dnsutils',
};

export interface Named {
  pid: number;
  /** How often it was told to reload since it runs. */
  reloads(): number;
  /** Resolves when it is gone. */
  stop(): Promise<void>;
}

/** A real named on a folder that mdbdns wrote; resolves when it answers. Stop it in an `after` hook. */
export async function startNamed(dir: string): Promise<Named> {
  // AppArmor would let Debian's named read its own folders only.
  const confined = existsSync('/sys/kernel/security/apparmor/profiles') && findProgram('aa-exec');
  const argv = [
    ...(confined ? ['aa-exec', '-p', 'unconfined', '--'] : []),
    findProgram('named')!,
    ...['-g', '-c', `${dir}/named.conf`],
  ];
  const child = spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', 'ignore', 'pipe'], cwd: dir });
  const gone = once(child, 'close');
  const said: string[] = [];
  let reloads = 0;
  const running = new Promise<void>((resolve) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line);
      if (said.length > 200) said.shift();
      if (/received control channel command 'reload'/.test(line)) reloads++;
      if (/ running$/.test(line)) resolve();
    });
  });
  const late = sleep(15_000, undefined, { ref: false });
  await Promise.race([running, gone, late]);
  if (!said.some((line) => / running$/.test(line))) {
    child.kill('SIGKILL');
    throw new Error(`named does not run:\n${said.slice(-20).join('\n')}`);
  }
  return {
    pid: child.pid!,
    reloads: () => reloads,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
      await gone;
      clearTimeout(timer);
    },
  };
}

/** What `dig +short` says of a name: its answers in order, none when there is no such name (or nobody there). */
export async function dig(
  port: number,
  name: string,
  options: { type?: string; from?: string; server?: string } = {},
): Promise<string[]> {
  const { stdout } = await promisify(execFile)('dig', digArgs(port, name, ['+short'], options)).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }),
  );
  return stdout.split('\n').filter((line) => line !== '' && !line.startsWith(';'));
}

/** How many of these names have an address, each asked for by one dig. */
export async function digAll(port: number, names: readonly string[]): Promise<number> {
  const queries = names.flatMap((name) => [name, 'A']);
  const argv = ['@127.0.0.1', '-p', String(port), '+tries=2', '+time=2', '+short', ...queries];
  const { stdout } = await promisify(execFile)('dig', argv, { maxBuffer: 16 * 1024 * 1024 });
  return stdout.split('\n').filter((line) => /^[\d.]+$/.test(line)).length;
}

/** The status and the flags of an answer: `NOERROR qr aa rd`. */
export async function digStatus(
  port: number,
  name: string,
  options: { from?: string } = {},
): Promise<string> {
  const { stdout } = await promisify(execFile)('dig', digArgs(port, name, [], options));
  return `${/status: (\w+)/.exec(stdout)?.[1]} ${/flags: ([\w ]+);/.exec(stdout)?.[1]}`;
}

function digArgs(
  port: number,
  name: string,
  more: string[],
  { type = 'A', from, server = '127.0.0.1' }: { type?: string; from?: string; server?: string },
): string[] {
  const bind = from ? ['-b', from] : [];
  return [`@${server}`, '-p', String(port), ...bind, '+tries=1', '+time=2', ...more, name, type];
}
