import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, type RunResult } from '../../src/lib/exec.ts';
import { changeMachines } from '../../src/lib/mdb/machines.ts';
import type { Site } from '../../src/lib/site/site.ts';
import { changeUsers } from '../../src/lib/udb/users.ts';
import { makeTestSite, type TestSite } from './site.ts';

const root = join(import.meta.dirname, '../..');
const tsx = import.meta.resolve('tsx');

/** Stands in for the kernel's network block device: the export is asked over the wire, and then it is only said to be there. */
const NBD_CLIENT = `#!/bin/sh
for last; do :; done
place=/sys/block/\${last#/dev/}
case " $* " in *" -d "*) kill "$(cat "$place/pid")"; rm -f "$place/pid"; exit 0 ;; esac
nbdinfo --size "nbd://$6:$7/$5" || exit 1
while sleep 60; do :; done </dev/null >/dev/null 2>&1 &
echo $! >"$place/pid"
`;
const MOUNT = '#!/bin/sh\nexec /bin/mount -t tmpfs -o mode=755 "$5" "$6"\n';

export interface PamAnswer {
  ok: boolean;
  said: string;
  ms: number;
}

/** A PC in namespaces of its own (processes, mounts, network), which end with it. */
export interface PamSeat {
  /** Before a program's own words: runs it there. */
  enter: readonly string[];
  /** Runs a program on it. */
  run(...argv: string[]): Promise<RunResult>;
  /** Starts daemons of the site on it. @returns how to `kill -9` them */
  start(...names: string[]): Promise<{ kill(): Promise<void> }>;
  /** A service of PAM with the hook in it. @param prefix in front of the hook's name, in `pam_exec`'s line */
  service(name: string, hook: { socket: string; seconds: number; prefix?: string }): void;
  pam(service: string, login: string, ...operations: string[]): Promise<PamAnswer>;
  stop(): Promise<void>;
}

export interface PamSeatOptions {
  dir: string;
  site: Site;
  ip: string;
  /** By login. */
  uids: Record<string, number>;
}

/** A site whose seats are `seat1` and `seat2`, at 10.0.0.1 and 10.0.0.2, with contestants who cannot log in by a password. */
export async function makePamSite(logins: readonly string[], config: object = {}): Promise<TestSite> {
  const test = await makeTestSite({
    networks: [{ name: 'lan', cidr: '10.0.0.0/16', role: 'machines', gateway: '10.0.255.254' }],
    pools: { user: '10.0.0.1-10.0.9.254', orga: 'user', service: '10.0.10.1-10.0.10.254', cluster: '10.0.11.1-10.0.11.254' }, // prettier-ignore
    presence: { timeoutSeconds: 60, socket: 'presenced.sock', openSeconds: 60 },
    groups: { user: { quotaBytes: 64 * 1024 * 1024 } },
    ...config,
  });
  const store = await test.store();
  const seats = [1, 2].map((n) => ({
    input: {
      ...{ hostname: `seat${n}`, mac: `02:00:00:00:00:0${n}`, ip: `10.0.0.${n}` },
      ...{ mtype: 'user', rfs: 0, hfs: 0 },
    },
  }));
  await changeMachines(store, test.site.config, 'test', () => ({ wishes: seats }));
  const password = { hash: '$6$rounds=1000$test$test', sealed: null };
  await changeUsers(store, test.site.config, 'test', () => ({
    wishes: logins.map((login) => ({ input: { login, group: 'user', password } })),
  }));
  return test;
}

export async function makePamSeat({ dir, site, ip, uids }: PamSeatOptions): Promise<PamSeat> {
  const own = join(dir, 'seat');
  mkdirSync(join(own, 'bin'), { recursive: true });
  cpSync('/etc/pam.d', join(own, 'pam.d'), { recursive: true });
  const people = Object.entries(uids).map(
    ([login, uid]) => `${login}:x:${uid}:${uid}::/home/${login}:/bin/sh\n`,
  );
  writeFileSync(join(own, 'passwd'), readFileSync('/etc/passwd', 'utf8') + people.join(''));
  for (const [name, text] of Object.entries({ 'nbd-client': NBD_CLIENT, mount: MOUNT })) {
    writeFileSync(join(own, 'bin', name), text);
    chmodSync(join(own, 'bin', name), 0o755);
  }

  const namespaces = ['-m', '-n', '-p', '-f', '--kill-child', '--mount-proc'];
  const holder = spawn('unshare', [...namespaces, 'sh', '-c', 'echo up; exec sleep 900'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once('data', () => resolve());
    holder.once('exit', () => reject(new Error('unshare: no namespaces here')));
  });
  const init = childOf(holder.pid!);
  const inside = ['nsenter', '-t', String(init), '-m', '-n', '-p', '--'];
  const seat: PamSeat = {
    enter: inside,
    run: (...argv) => run([...inside, ...argv], { timeoutMs: 60_000 }),
    async start(...names) {
      const program = [process.execPath, `--import=${tsx}`, join(root, 'test/support/run-daemon.ts')];
      const [file = '', ...args] = [...inside, ...program, site.file, ...names];
      const path = `${join(own, 'bin')}:${process.env.PATH ?? ''}`;
      const child: ChildProcess = spawn(file, args, {
        cwd: root,
        env: { ...process.env, PATH: path, PROLO_TEST_LOG: process.env.PROLO_TEST_LOG ?? 'silent' },
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      await new Promise<void>((resolve, reject) => {
        child.once('message', () => resolve());
        child.once('exit', () => reject(new Error(`${names.join(' ')}: ended`)));
      });
      return {
        async kill() {
          process.kill(childOf(child.pid!), 'SIGKILL');
          await ended;
        },
      };
    },
    service(name, { socket, seconds, prefix = '' }) {
      const ranges = Object.values(site.config.groups).map((group) => group.uids);
      const hook = [join(root, 'templates/pam/prolo-pam'), socket, seconds, ...ranges].join(' ');
      const lines = ['account', 'session'].map(
        (kind) => `${kind} requisite pam_exec.so stdout quiet ${prefix}${hook}\n`,
      );
      writeFileSync(join(own, 'pam.d', name), `auth required pam_permit.so\n${lines.join('')}`);
    },
    async pam(service, login, ...operations) {
      const begunMs = performance.now();
      const { exitCode, stdout, stderr } = await seat.run('pamtester', service, login, ...operations);
      return { ok: exitCode === 0, said: stdout + stderr, ms: performance.now() - begunMs };
    },
    async stop() {
      const ended = new Promise((resolve) => holder.once('exit', resolve));
      process.kill(init, 'SIGKILL');
      await ended;
    },
  };
  try {
    for (const argv of [
      ['ip', 'link', 'set', 'lo', 'up'],
      ['ip', 'link', 'add', 'lan0', 'type', 'veth', 'peer', 'name', 'lan1'],
      ['ip', 'addr', 'add', `${ip}/16`, 'dev', 'lan0'],
      ['ip', 'link', 'set', 'lan0', 'up'],
      ['ip', 'link', 'set', 'lan1', 'up'],
      ['mount', '-t', 'tmpfs', 'none', '/home'],
      ['mount', '-t', 'tmpfs', 'none', '/sys/block'],
      ['mkdir', '/sys/block/nbd0'],
      ['mount', '--bind', join(own, 'pam.d'), '/etc/pam.d'],
      ['mount', '--bind', join(own, 'passwd'), '/etc/passwd'],
    ]) {
      const { exitCode, stderr } = await seat.run(...argv);
      if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
    }
  } catch (error) {
    await seat.stop();
    throw error;
  }
  return seat;
}

function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
}
