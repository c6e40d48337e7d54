import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, type RunOptions, type RunResult } from '../../src/lib/exec.ts';

const probe = join(import.meta.dirname, 'account-probe.sh');

/** A host whose /etc is a copy, in a mount namespace that ends with it: its programs read accounts where daemons of a test write them. */
export interface AccountHost {
  /** `accounts.root` */
  root: string;
  /** Runs a program there. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Checks an account without a pause, with PAM too, until `stop`. @returns its words */
  probe(login: string, password: string): { stop(): Promise<{ checks: number; failures: string[] }> };
  text(name: string): string;
  stop(): Promise<void>;
}

const PAM = 'auth required pam_unix.so nodelay\naccount required pam_unix.so\n';

export async function makeAccountHost(dir: string): Promise<AccountHost> {
  const root = join(dir, 'root');
  mkdirSync(join(root, 'root'), { recursive: true });
  cpSync('/etc', join(root, 'etc'), { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  writeFileSync(join(root, 'etc/pam.d/probe'), PAM);
  const holder = spawn('unshare', ['-m', '--propagation', 'private', 'sh', '-c', 'mount --bind "$1" /etc && echo up && exec sleep 900', 'sh', join(root, 'etc')], { stdio: ['ignore', 'pipe', 'inherit'] }); // prettier-ignore
  const ended = new Promise<void>((resolve) => holder.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once('data', () => resolve());
    holder.once('exit', () => reject(new Error('unshare: no namespace here')));
  });
  const inside = (argv: readonly string[]): string[] => [
    'nsenter',
    '-t',
    String(holder.pid),
    '-m',
    '--',
    ...argv,
  ];
  let probes = 0;
  return {
    root,
    run: (argv, options) => run(inside(argv), { timeoutMs: 60_000, ...options }),
    probe(login, password) {
      const stop = join(dir, `stop-${++probes}`);
      const secret = join(dir, `password-${probes}`);
      writeFileSync(secret, `${password}\n`, { mode: 0o600 });
      const going = run(inside(['sh', probe, login, stop, 'probe', secret]), { timeoutMs: 300_000 });
      return {
        async stop() {
          writeFileSync(stop, '');
          const { stdout, stderr } = await going;
          const [, checks] = /^checks (\d+) failed \d+$/m.exec(stdout) ?? [];
          const failures = `${stdout}${stderr}`
            .split('\n')
            .filter((line) => /\S/.test(line) && !/^checks /.test(line));
          return { checks: Number(checks ?? 0), failures };
        },
      };
    },
    text: (name) => readFileSync(join(root, name), 'latin1'),
    async stop() {
      holder.kill('SIGKILL');
      await ended;
    },
  };
}
