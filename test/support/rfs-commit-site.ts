import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { changeMachines } from '../../src/lib/mdb/machines.ts';
import { makeTestSite, type TestSite } from './site.ts';
import { type Sshd, startSshd } from './sshd.ts';

/** A site whose root file servers are real: each an sshd with a folder of its own where the gateway has its versions. */
export interface RfsSite {
  root: string;
  test: TestSite;
  staging: string;
  versions: string;
  /** What the nth server (from 1) has in place of `versions`. */
  server(n: number): string;
  close(): Promise<void>;
}

/** @param place where the nth server keeps its versions; none: a folder of `root` */
export async function makeRfsSite(
  servers: number,
  place?: (n: number) => string | undefined,
): Promise<RfsSite> {
  const root = mkdtempSync(join(tmpdir(), 'prolo-rfs-'));
  const versions = join(root, 'versions');
  const staging = join(root, 'staging');
  const server = (n: number): string => place?.(n) ?? join(root, `server${n}`);
  const running: Sshd[] = [];
  let test: TestSite | undefined;
  const close = async (): Promise<void> => {
    for (const one of running) await one.stop();
    await test?.remove();
    rmSync(root, { recursive: true, force: true });
  };
  try {
    mkdirSync(versions);
    for (let n = 1; n <= servers; n++) {
      mkdirSync(server(n), { recursive: true });
      running.push(
        await startSshd({
          machines: 1,
          first: n,
          ...(running[0] ? { like: running[0] } : {}),
          mounts: { [versions]: server(n) },
        }),
      );
    }
    const { user, port, identity } = running[0]!;
    test = await makeTestSite({
      networks: [{ name: 'lan', cidr: '127.0.1.0/24', role: 'machines', gateway: '127.0.1.254' }],
      pools: { user: '127.0.1.100-127.0.1.200', service: '127.0.1.1-127.0.1.50', cluster: 'service' },
      ssh: { user, port, identity },
      rfs: { staging, dir: versions },
    });
    const machine = (n: number, fields: object) => ({ input: { mac: `52:54:00:00:00:0${n}`, ...fields } });
    await changeMachines(await test.store(), test.site.config, 'test', () => ({
      wishes: Array.from({ length: servers }, (_, i) => [
        machine(2 * i + 1, {
          hostname: `rhfs${i}`,
          mtype: 'service',
          ip: `127.0.1.${i + 1}`,
          aliases: [`rfs${i}`],
        }),
        machine(2 * i + 2, { hostname: `pc${i}`, rfs: i }),
      ]).flat(),
    }));
    return { root, test, staging, versions, server, close };
  } catch (error) {
    await close();
    throw error;
  }
}
