import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, type RunResult } from '../../src/lib/exec.ts';
import type { LabOptions, Pc, Seat } from '../../src/lib/lab/lab.ts';
import type { Running } from '../../src/lib/lab/process.ts';
import { labMac } from '../../src/lib/lab/qemu.ts';
import { labDraft } from '../../src/lib/lab/site.ts';
import type { ConfigDraft } from '../../src/lib/site/write-config.ts';
import { startTestLab, STEP_MS, type TestLab } from './lab.ts';
import { nfsConf, nfsPackages, nfsArgv, isNfsUp } from './nfs.ts';

/** Debian packages of what two root file servers run. */
export const rfsLabPackages = {
  ...nfsPackages,
  mksquashfs: 'squashfs-tools',
  veritysetup: 'cryptsetup-bin',
  rsync: 'rsync',
  nginx: 'nginx-light',
  ssh: 'openssh-client',
  '/usr/sbin/sshd': 'openssh-server',
};

/** Of the sample site: boxes of their own, whose numbers these are. */
export const RFS_NUMBERS = [0, 2] as const;

/** A root file server: a network namespace on the lab's wire, with its own folder of versions under the name that all share. */
export interface RfsServer {
  number: number;
  ip: string;
  netns: string;
  /** Its versions, as this machine sees them. */
  folder: string;
  /** Runs a program there, which sees the versions where the server has them. */
  run(...argv: string[]): Promise<RunResult>;
  /** `kill -9` of the NFS server. */
  stopNfs(): Promise<void>;
  startNfs(): Promise<void>;
  /** Its cable: nothing reaches it without. */
  plug(isIn: boolean): Promise<void>;
}

export interface RfsLab extends TestLab {
  /** For what a test needs beside; removed at the end. */
  work: string;
  staging: string;
  /** The gateway's own. */
  versions: string;
  servers: readonly [RfsServer, RfsServer];
  /** Switches the nth PC on, `alt-r01p01` and so on: the odd ones are of RFS 0, the others of RFS 2. */
  boot(n: number, options?: { name?: string; memoryMib?: number; limitSeconds?: number }): Promise<Pc>;
  pcName(n: number): string;
}

export interface RfsLabOptions {
  draft?: ConfigDraft;
  lab?: LabOptions;
  /** How many PCs MDB knows. */
  pcs?: number;
}

/** A lab with two root file servers, each with a real sshd, rsync, nginx and NFS server. `stop` belongs in `after`. */
export async function startRfsLab({
  draft = labDraft,
  lab: options,
  pcs = 4,
}: RfsLabOptions = {}): Promise<RfsLab> {
  const work = mkdtempSync(join(tmpdir(), 'prolo-e2e-rfs-'));
  const at = (name: string): string => join(work, name);
  const remove = (): void => rmSync(work, { recursive: true, force: true });
  try {
    for (const folder of ['versions', 'home', ...RFS_NUMBERS.map((n) => `rfs${n}`)]) mkdirSync(at(folder));
    for (const name of ['host', 'identity'])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', at(name)]);
    writeFileSync(at('authorized_keys'), readFileSync(at('identity.pub')));
    const { bootUrl: _, ...netboot } = draft.netboot ?? {};
    const made = await startTestLab(
      {
        ...draft,
        netboot: { ...netboot, kernelOptions: 'quiet console=ttyS0 panic=-1 mitigations=off' },
        ssh: { ...draft.ssh, user: 'root', identity: at('identity') },
        rfs: { ...draft.rfs, staging: at('staging'), dir: at('versions') },
      },
      options,
    );
    const stop = async (): Promise<void> => {
      await made.stop();
      remove();
    };
    try {
      const servers = (await Promise.all(RFS_NUMBERS.map((n) => startServer(made, work, n)))) as [
        RfsServer,
        RfsServer,
      ];
      await made.prolo('mdb', 'set', '@mtype:user,@mtype:orga', '--rfs', '0');
      for (let n = 1; n <= pcs; n++)
        await made.prolo(
          ...['mdb', 'add', '--hostname', pcName(n), '--mac', labMac(n), '--room', 'alt'],
          ...['--rfs', n % 2 === 1 ? '0' : '2', '--hfs', '1'],
        );
      return {
        ...made,
        work,
        staging: at('staging'),
        versions: at('versions'),
        servers,
        pcName,
        boot: (n, { name = pcName(n), ...more } = {}) =>
          made.plugPc({ name, mac: labMac(n), memoryMib: 1024, ...more }),
        stop,
      };
    } catch (error) {
      await stop();
      throw error;
    }
  } catch (error) {
    remove();
    throw error;
  }
}

const pcName = (n: number): string => `alt-r01p${String(n).padStart(2, '0')}`;

async function startServer(lab: TestLab, work: string, number: number): Promise<RfsServer> {
  const ip = `192.168.1.${number + 1}`;
  const own = join(work, `server${number}`);
  const folder = join(work, `rfs${number}`);
  const dir = join(work, 'versions');
  const file = (name: string): string => join(own, name);
  mkdirSync(own);
  const seat = await lab.plugSeat(`52:54:00:72:66:0${number}`);
  const ipIn = (...argv: string[]) => run(['ip', '-n', seat.netns, ...argv]);
  const address = async (): Promise<void> => {
    await ipIn('link', 'set', 'eth0', 'up');
    await ipIn('addr', 'replace', `${ip}/23`, 'dev', 'eth0');
    await ipIn('route', 'replace', 'default', 'via', lab.network.gateway);
  };
  await address();
  const see = (argv: readonly string[]): string[] => seeing(folder, dir, argv);
  const log = (name: string): string =>
    readIfThere(join(lab.dir, `${name}.log`)) + readIfThere(file(`${name}.log`));

  writeFileSync(file('sshd_config'), sshdConfig(work, own));
  await seat.start(
    `sshd${number}`,
    see(['/usr/sbin/sshd', '-D', '-f', file('sshd_config'), '-E', file(`sshd${number}.log`)]),
  );
  writeFileSync(file('nginx.conf'), nginxConfig(own, dir));
  await seat.start(`nginx${number}`, see(['nginx', '-e', file('nginx.log'), '-c', file('nginx.conf')]));
  writeFileSync(file('ganesha.conf'), nfsConf({ ip, folder: dir, work: own }));
  let nfs: Running | undefined;
  const startNfs = async (): Promise<void> => {
    rmSync(file('ganesha.log'), { force: true });
    nfs = await startNfsIn(seat, number, see(nfsArgv(own)));
    await lab.until(`ganesha.nfsd of rfs${number}`, () => isNfsUp(own), STEP_MS);
  };
  await startNfs();
  await lab.until(`sshd of rfs${number}`, () => log(`sshd${number}`).includes('Server listening'), STEP_MS);
  return {
    number,
    ip,
    netns: seat.netns,
    folder,
    run: (...argv) => seat.run(see(argv), { timeoutMs: STEP_MS }),
    async stopNfs() {
      if (!nfs) return;
      const { pid, stop } = nfs;
      const ended = stop();
      process.kill(pid, 'SIGKILL');
      await ended;
      nfs = undefined;
    },
    startNfs,
    async plug(isIn) {
      if (isIn) await address();
      else await ipIn('link', 'set', 'eth0', 'down');
    },
  };
}

const startNfsIn = (seat: Seat, number: number, argv: readonly string[]): Promise<Running> =>
  seat.start(`ganesha${number}`, argv);

/** `ip netns exec` gives each program mounts of its own, so a server's folder is at the place that all servers have it at. */
function seeing(folder: string, dir: string, argv: readonly string[]): string[] {
  return ['sh', '-c', 'mount --bind "$1" "$2" && shift 2 && exec "$@"', 'sh', folder, dir, ...argv];
}

function sshdConfig(work: string, own: string): string {
  mkdirSync('/run/sshd', { recursive: true });
  return `Port 22
HostKey ${join(work, 'host')}
AuthorizedKeysFile ${join(work, 'authorized_keys')}
PidFile ${join(own, 'sshd.pid')}
SetEnv HOME=${join(work, 'home')}
UsePAM no
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
UseDNS no
`;
}

function nginxConfig(own: string, dir: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off;
user root;
worker_processes 1;
pid ${join(own, 'nginx.pid')};
events {}
http {
  access_log off;
${temporary.map((name) => `  ${name}_temp_path ${join(own, name)};\n`).join('')}  server {
    listen 80;
    location /boot/ { alias ${dir}/; }
  }
}
`;
}

const readIfThere = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');
