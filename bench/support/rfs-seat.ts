import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { proloBin } from '../../test/support/cli.ts';
import type { Rig } from './rfs-rig.ts';

export interface Attempt {
  ok: boolean;
  said: string;
  ms: number;
}

/** A PC as far as accounts go: a version's image from a server's folder, memory over it, the daemon `passwd` in it, PAM. */
export interface BenchSeat {
  /** PAM checks the password and the account, as every door of the PC does. */
  check(login: string, password: string): Promise<Attempt>;
  stop(): Promise<void>;
}

/** PC's /etc in place of this machine's, for the programs below it: PAM reads it, and `passwd` writes it. */
const MOUNT = `set -e
mkdir -p "$2/image" "$2/memory"
mount -o loop,ro "$1" "$2/image"
mount -t tmpfs none "$2/memory"
mkdir "$2/memory/upper" "$2/memory/work" "$2/memory/root"
mount -t overlay -o "lowerdir=$2/image,upperdir=$2/memory/upper,workdir=$2/memory/work" root "$2/memory/root"
printf '%s\\n' '@include common-auth' '@include common-account' >"$2/memory/root/etc/pam.d/bench"
mount --bind "$2/memory/root/etc" /etc
echo up
exec sleep 1800
`;

export async function startSeat(rig: Rig, version: number): Promise<BenchSeat> {
  const own = join(rig.dir, 'seat');
  mkdirSync(own);
  writeFileSync(join(own, 'mount'), MOUNT);
  const image = join(rig.versions(1), String(version), 'root.img');
  const running: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    for (const child of running.splice(0).reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
  };
  const start = async (argv: readonly string[], ready: RegExp): Promise<ChildProcess> => {
    const [program, ...args] = ['setpriv', '--pdeathsig', 'KILL', '--', ...argv];
    const child = spawn(program!, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PROLO_CONFIG: rig.test.site.file },
    });
    running.push(child);
    let words = '';
    await new Promise<void>((resolve, reject) => {
      for (const stream of [child.stdout!, child.stderr!])
        stream.on('data', (part: Buffer) => {
          words = `${words}${part.toString()}`.slice(-2000);
          if (ready.test(words)) resolve();
        });
      child.once('exit', (status) => reject(new Error(`${argv.join(' ')}: ended with ${status}: ${words}`)));
    });
    return child;
  };
  try {
    const gateway = (...argv: string[]): string[] => rig.star.inside(rig.star.gateway, argv);
    await start(gateway(process.execPath, proloBin, 'daemon', 'udbsync'), /^ready$/m);
    const holder = await start(gateway('unshare', '-m', 'sh', join(own, 'mount'), image, own), /^up$/m);
    const inside = (...argv: string[]): string[] => [
      'nsenter',
      '-t',
      String(holder.pid),
      '-m',
      '-n',
      '--',
      ...argv,
    ];
    await start(inside(process.execPath, proloBin, 'daemon', 'passwd'), /^ready$/m);
    return {
      async check(login, password) {
        const begunMs = performance.now();
        const [program, ...args] = inside('pamtester', 'bench', login, 'authenticate', 'acct_mgmt');
        const child = spawn(program!, args, { stdio: 'pipe', timeout: 30_000 });
        let said = '';
        for (const stream of [child.stdout, child.stderr])
          stream.on('data', (part: Buffer) => (said += part.toString()));
        child.stdin.on('error', () => undefined).end(`${password}\n`);
        const [status] = (await once(child, 'close')) as [number | null];
        return { ok: status === 0, said, ms: performance.now() - begunMs };
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
