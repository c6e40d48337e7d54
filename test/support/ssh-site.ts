import { changeMachines } from '../../src/lib/mdb/machines.ts';
import type { MachineInput } from '../../src/lib/mdb/plan.ts';
import { makeTestSite, type TestSite } from './site.ts';
import { type Sshd, type SshdOptions, startSshd } from './sshd.ts';

/** Debian packages of what tests of SSH run. */
export const sshPackages = { '/usr/sbin/sshd': 'openssh-server', 'ssh-keygen': 'openssh-client' };

export interface SshSite {
  test: TestSite;
  sshd: Sshd;
  /** The hostnames, `pas-r01p01` and so on: eight to a row, at 127.0.1.1 and so on. */
  hostnames: string[];
  stop(): Promise<void>;
}

/**
 * A site whose machines are all one sshd.
 * @param change of the nth machine (from 1), as it is in MDB
 */
export async function makeSshSite(
  options: SshdOptions & {
    ssh?: Record<string, unknown>;
    change?: (n: number) => MachineInput;
  },
): Promise<SshSite> {
  const sshd = await startSshd(options);
  const test = await makeTestSite({
    networks: [{ name: 'lan', cidr: '127.0.1.0/24', role: 'machines', gateway: '127.0.1.254' }],
    pools: { user: '127.0.1.1-127.0.1.200', service: '127.0.1.201-127.0.1.250', cluster: 'service' },
    ssh: { user: sshd.user, port: sshd.port, identity: sshd.identity, ...options.ssh },
  });
  const hostnames = Array.from({ length: options.machines }, (_, i) => hostnameOf(i + 1));
  await changeMachines(await test.store(), test.site.config, 'test', () => ({
    wishes: hostnames.map((hostname, i) => ({
      input: {
        hostname,
        mac: `52:54:00:00:00:${(i + 1).toString(16).padStart(2, '0')}`,
        ip: sshd.ip(i + 1),
        room: 'pasteur',
        ...options.change?.(i + 1),
      },
    })),
  }));
  return {
    test,
    sshd,
    hostnames,
    async stop() {
      await sshd.stop();
      await test.remove();
    },
  };
}

function hostnameOf(n: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `pas-r${two(Math.ceil(n / 8))}p${two(((n - 1) % 8) + 1)}`;
}
