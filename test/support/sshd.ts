import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface SshdOptions {
  /** 127.0.1.1, 127.0.1.2 and so on; all of them are the same sshd. */
  machines: number;
  /** Lines of sshd_config that come before all others. */
  config?: readonly string[];
  /** Lines after all others: `Match` blocks. */
  match?: readonly string[];
  /** Folders of its own that it sees in place of others, as a server with its own disk would: place -> folder. */
  mounts?: Record<string, string>;
  /** Its first address is 127.0.1.`first`; default 1. */
  first?: number;
  /** Lets in whom that one lets in, on the same port. */
  like?: Sshd;
}

export interface Sshd {
  port: number;
  dir: string;
  /** The private key that it lets in. */
  identity: string;
  /** The home of every session: empty at first. */
  home: string;
  user: string;
  /** Its public host keys, such as `ssh-ed25519 AAAA…`. */
  hostKeys: string[];
  ip(n: number): string;
  log(): string;
  stop(): Promise<void>;
}

/** One real sshd that is many machines: each is an address of 127.0.1.0/24. */
export async function startSshd({
  machines,
  config = [],
  match = [],
  mounts = {},
  first = 1,
  like,
}: SshdOptions): Promise<Sshd> {
  const dir = mkdtempSync(join(tmpdir(), 'prolo-sshd-'));
  const file = (name: string): string => join(dir, name);
  const port = like?.port ?? (await freePort());
  mkdirSync(file('home'));
  mkdirSync('/run/sshd', { recursive: true });
  for (const name of ['host', 'identity'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file(name)]);
  writeFileSync(file('authorized_keys'), readFileSync(`${like?.identity ?? file('identity')}.pub`));
  const ip = (n: number): string => `127.0.1.${first - 1 + n}`;
  // sshd listens on 16 addresses at most; more machines than that are all addresses.
  const listen = machines <= 16 ? Array.from({ length: machines }, (_, i) => ip(i + 1)) : ['0.0.0.0'];
  const lines = [
    ...config,
    `Port ${port}`,
    ...listen.map((address) => `ListenAddress ${address}`),
    `HostKey ${file('host')}`,
    `AuthorizedKeysFile ${file('authorized_keys')}`,
    `PidFile ${file('pid')}`,
    `SetEnv HOME=${file('home')}`,
    'UsePAM no',
    'StrictModes no',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PrintMotd no',
    'UseDNS no',
    'MaxStartups 400:30:500',
    'MaxSessions 100',
    'Subsystem sftp internal-sftp',
    ...match,
  ];
  writeFileSync(file('sshd_config'), `${lines.join('\n')}\n`);
  const argv = ['/usr/sbin/sshd', '-D', '-f', file('sshd_config'), '-E', file('log')];
  const mounting = Object.entries(mounts).map((_, i) => `mount --bind "$${2 * i + 2}" "$${2 * i + 1}" && `);
  const [program, ...args] =
    mounting.length === 0
      ? argv
      : [
          'unshare',
          '-m',
          'sh',
          '-c',
          `${mounting.join('')}shift ${2 * mounting.length} && exec "$@"`,
          'sh',
          ...Object.entries(mounts).flat(),
          ...argv,
        ];
  const child: ChildProcess = spawn(program!, args, { stdio: 'ignore' });
  const log = (): string => readFileSync(file('log'), 'utf8');
  for (let tries = 0; ; tries++) {
    const text = await sleep(10).then(() => (child.exitCode === null ? readIfThere(file('log')) : log()));
    if (text.includes('Server listening')) break;
    if (child.exitCode !== null || tries > 500) throw new Error(`sshd does not start: ${text}`);
  }
  return {
    port,
    dir,
    identity: like?.identity ?? file('identity'),
    home: file('home'),
    user: userInfo().username,
    hostKeys: [readFileSync(file('host.pub'), 'utf8').split(' ').slice(0, 2).join(' ')],
    ip,
    log,
    async stop() {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null) child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await gone;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
