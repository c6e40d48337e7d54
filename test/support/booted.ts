import { execFile, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { leashed } from '../../src/lib/rfs/root/enter-leash.ts';

const runFile = promisify(execFile);
const BOOT_MS = 120_000;
let made = 0;

/** A wire of its own: a bridge in a network namespace. */
export interface Wire {
  namespace: string;
  remove(): void;
}

export function makeWire(): Wire {
  const namespace = `pr${process.pid}-${++made}`;
  const ip = (...args: string[]): void =>
    void execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  ip('netns', 'add', namespace);
  const remove = (): void => ip('netns', 'del', namespace);
  try {
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    ip('-n', namespace, 'link', 'add', 'br0', 'type', 'bridge');
    ip('-n', namespace, 'link', 'set', 'br0', 'up');
  } catch (error) {
    remove();
    throw error;
  }
  return { namespace, remove };
}

/** A system that systemd-nspawn has booted. */
export interface Booted {
  /** Runs a program there. @returns what it said, and its status */
  run(...argv: string[]): Promise<{ status: number; stdout: string; stderr: string }>;
  /** @returns what it said. @throws Error for another status than 0 */
  ask(...argv: string[]): Promise<string>;
  /** Asks until the answer is so, for a while. @throws Error with the last answer */
  until(is: (said: string) => boolean, ...argv: string[]): Promise<string>;
  /** As by its button: everything in it ends in order. */
  powerOff(): Promise<void>;
}

/**
 * Boots a root folder with its NIC on a wire, and waits until its starts are done, whatever came of them.
 * @param machine a name of at most 11 letters, which its NIC is named after
 * @param more options of systemd-nspawn
 */
export async function bootRoot(
  root: string,
  wire: Wire,
  machine: string,
  more: readonly string[] = [],
): Promise<Booted> {
  const nspawn = [
    ...['systemd-nspawn', '--quiet', `--directory=${root}`, `--machine=${machine}`, '--boot'],
    ...['--register=no', '--keep-unit', '--network-bridge=br0', '--link-journal=no', '--timezone=off'],
    ...['--resolv-conf=off', '--console=pipe', ...more],
  ];
  // Not by `ip netns exec`, which mounts another /sys, without the control groups.
  const child = spawn('nsenter', [`--net=/run/netns/${wire.namespace}`, ...leashed(nspawn)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)));
  const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let leader: number | undefined;
  const run: Booted['run'] = async (...argv) => {
    const inside = ['-t', String(leader), '-a', '--', 'env', '-i', `PATH=${PATH}`, 'LANG=C.UTF-8', ...argv];
    try {
      const { stdout, stderr } = await runFile('nsenter', inside, { timeout: BOOT_MS, maxBuffer: 1e8 });
      return { status: 0, stdout, stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as unknown as { code: number; stdout: string; stderr: string };
      return { status: code, stdout, stderr };
    }
  };
  const ask: Booted['ask'] = async (...argv) => {
    const { status, stdout, stderr } = await run(...argv);
    if (status !== 0) throw new Error(`${argv.join(' ')}: status ${status}: ${stderr || stdout}`);
    return stdout;
  };
  const until: Booted['until'] = async (is, ...argv) => {
    const endMs = performance.now() + BOOT_MS;
    for (;;) {
      const { stdout, stderr } = await run(...argv);
      if (is(stdout)) return stdout;
      if (isGone() || performance.now() > endMs)
        throw new Error(`${machine}: ${argv.join(' ')}: ${stdout}${stderr}\n${isGone() ? said : ''}`);
      await sleep(200);
    }
  };
  const powerOff = async (): Promise<void> => {
    const late = new AbortController();
    if (!isGone()) void run('systemctl', 'poweroff', '--no-block');
    await Promise.race([gone, sleep(60_000, undefined, { signal: late.signal }).catch(() => undefined)]);
    late.abort();
    const inOrder = isGone();
    child.kill('SIGKILL');
    await gone;
    if (!inOrder) throw new Error(`${machine}: it did not end in order\n${said}`);
  };
  try {
    for (let tries = 0; (leader = leaderOf(child.pid!)) === undefined; tries++) {
      if (tries > 200 || isGone()) throw new Error(`${machine}: it does not begin to boot\n${said}`);
      await sleep(50);
    }
    await until((state) => /^(running|degraded)$/m.test(state), 'systemctl', 'is-system-running', '--wait');
    return { run, ask, until, powerOff };
  } catch (error) {
    child.kill('SIGKILL');
    await gone;
    throw error;
  }
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The first process of the container: the one of that name below the one that was started. */
function leaderOf(pid: number): number | undefined {
  try {
    if (['systemd', 'init'].includes(readFileSync(`/proc/${pid}/comm`, 'utf8').trim())) return pid;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    for (const child of children.split(' ').filter(Boolean)) {
      const found = leaderOf(Number(child));
      if (found !== undefined) return found;
    }
  } catch {
    // it has just ended
  }
  return undefined;
}
