import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, type RunResult } from '../../src/lib/exec.ts';
import type { Site } from '../../src/lib/site/site.ts';
import { hashPassword } from '../../src/lib/udb/sha-crypt.ts';
import { proloBin } from './cli.ts';
import { makePamSeat, type PamSeat } from './pam-seat.ts';

/** A home of its own, writable by whose it is. */
const MOUNT = '#!/bin/sh\n/bin/mount -t tmpfs -o mode=755 "$5" "$6" && chown "${6##*/}" "$6"\n';

/** A seat in namespaces, with an sshd whose PAM asks for passwords and has the hook. */
export interface LoginSeat {
  pam: PamSeat;
  /** `prolo` as at the gateway, which is the same host here. */
  prolo(argv: readonly string[], options?: { input?: string; signal?: AbortSignal }): Promise<RunResult>;
  /** The mount of homes, or another in its place. */
  mount(script?: string): void;
  /** The service `sshd`, with the hook or without. */
  hook(socket: string | undefined): void;
}

export interface LoginSeatOptions {
  dir: string;
  site: Site;
  ip: string;
  port: number;
  uids: Record<string, number>;
  password: string;
}

export async function makeLoginSeat({
  dir,
  site,
  ip,
  port,
  uids,
  password,
}: LoginSeatOptions): Promise<LoginSeat> {
  const pam = await makePamSeat({ dir, site, ip, uids });
  const own = join(dir, 'seat');
  const bin = join(own, 'bin');
  const file = (name: string): string => join(own, name);
  const hook = (socket: string | undefined): void => {
    const uidRanges = Object.values(site.config.groups).map((group) => group.uids);
    const program = join(import.meta.dirname, '../../templates/pam/prolo-pam');
    const line = (kind: string): string =>
      socket
        ? `${kind} requisite pam_exec.so stdout quiet ${[program, socket, 20, ...uidRanges].join(' ')}\n`
        : '';
    const unix = (kind: string): string => `${kind} required pam_unix.so\n`;
    writeFileSync(
      join(own, 'pam.d/sshd'),
      [unix('auth'), unix('account'), line('account'), line('session'), unix('session')].join(''),
    );
  };
  const mount = (script = MOUNT): void => {
    writeFileSync(join(bin, 'mount'), script);
    chmodSync(join(bin, 'mount'), 0o755);
  };
  try {
    mount();
    hook(site.statePath('presenced.sock'));
    const hash = hashPassword(password);
    const lines = Object.keys(uids).map((login) => `${login}:${hash}:19000:0:99999:7:::\n`);
    writeFileSync(file('shadow'), readFileSync('/etc/shadow', 'utf8') + lines.join(''), { mode: 0o600 });
    for (const name of ['host', 'identity'])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file(name)]);
    writeFileSync(file('authorized_keys'), readFileSync(file('identity.pub')));
    writeFileSync(
      join(bin, 'prolo'),
      `#!/bin/sh\nexec env PROLO_CONFIG=${site.file} ${process.execPath} ${proloBin} "$@"\n`,
    );
    chmodSync(join(bin, 'prolo'), 0o755);
    writeFileSync(
      file('sshd_config'),
      [
        `Port ${port}`,
        `ListenAddress ${ip}`,
        `HostKey ${file('host')}`,
        `AuthorizedKeysFile ${file('authorized_keys')}`,
        `SetEnv PATH=${bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
        'PidFile none',
        'UsePAM yes',
        'StrictModes no',
        'PermitRootLogin prohibit-password',
        'PasswordAuthentication yes',
        'KbdInteractiveAuthentication no',
        'UseDNS no',
        '',
      ].join('\n'),
    );
    mkdirSync('/run/sshd', { recursive: true });
    for (const argv of [
      ['mount', '--bind', file('shadow'), '/etc/shadow'],
      ['sh', '-c', `exec /usr/sbin/sshd -f ${file('sshd_config')} -E ${file('sshd.log')}`],
    ]) {
      const { exitCode, stderr } = await pam.run(...argv);
      if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
    }
  } catch (error) {
    await pam.stop();
    throw error;
  }
  return {
    pam,
    hook,
    mount,
    prolo: (argv, options = {}) =>
      run([...pam.enter, join(bin, 'prolo'), ...argv], { timeoutMs: 120_000, ...options }),
  };
}
