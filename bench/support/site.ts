import { changeMachines } from '../../src/lib/mdb/machines.ts';
import { makeTestSite, type TestSite } from '../../test/support/site.ts';

/** A site of its own with so many machines, `m0001` and on. `remove()` when done. */
export async function makeBenchSite(
  machines: number,
  config: Record<string, unknown> = {},
): Promise<TestSite> {
  const test = await makeTestSite({
    networks: [{ name: 'lan', cidr: '10.0.0.0/16', role: 'machines', gateway: '10.0.255.254' }],
    pools: {
      user: '10.0.0.1-10.0.99.254',
      orga: 'user',
      service: '10.0.100.1-10.0.109.254',
      cluster: '10.0.110.1-10.0.119.254',
    },
    ...config,
  });
  const wishes = Array.from({ length: machines }, (_, i) => ({ input: benchMachine(i + 1) }));
  if (machines > 0) await changeMachines(await test.store(), test.site.config, 'bench', () => ({ wishes }));
  return test;
}

/** The nth machine, as it is asked for. */
export function benchMachine(n: number): {
  hostname: string;
  mac: string;
  mtype: string;
  rfs: number;
  hfs: number;
} {
  const digits = n.toString(16).padStart(6, '0');
  const mac = `02:00:00:${digits.slice(0, 2)}:${digits.slice(2, 4)}:${digits.slice(4)}`;
  return { hostname: `m${String(n).padStart(4, '0')}`, mac, mtype: 'user', rfs: n % 10, hfs: n % 10 };
}
