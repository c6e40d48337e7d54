import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyPairOf } from '../../src/lib/ed25519.ts';
import { changeMachines } from '../../src/lib/mdb/machines.ts';
import { noteCopy } from '../../src/lib/rfs/copies.ts';
import { bringVersion } from '../../src/lib/rfs/distribute.ts';
import { hashFile } from '../../src/lib/rfs/image.ts';
import {
  type Manifest,
  MANIFEST,
  renderManifest,
  SIGNATURE,
  signManifest,
  VERSION_FILES,
} from '../../src/lib/rfs/manifest.ts';
import { findPlaces } from '../../src/lib/rfs/places.ts';
import { addVersion, switchBoots } from '../../src/lib/rfs/table.ts';
import { listMachines } from '../../src/lib/mdb/machines.ts';
import { manifestOf } from './rfs.ts';
import { makeTestSite, type TestSite } from './site.ts';
import { type Sshd, startSshd } from './sshd.ts';

/** A gateway and two real servers with a disk each; rhfs01 is rfs 0 and 1, rhfs23 is rfs 2; pc0, pc1 and pc2 boot from those. */
export interface RfsServers {
  test: TestSite;
  /** Folders of versions: the gateway's, and what each server has in its place. */
  gateway: string;
  first: string;
  second: string;
  sshd: [Sshd, Sshd];
  /** Starts the second server anew. */
  restartSecond(): Promise<void>;
  /** A version of made-up files, on all of them, booted by all machines. */
  addVersion(version: number, imageBytes?: number): Promise<Manifest>;
  stop(): Promise<void>;
}

/** Its own part of 127.0.1.0/24, so that two suites can run at once. @param from its first address */
export async function startRfsServers(from: number): Promise<RfsServers> {
  const root = mkdtempSync(join(tmpdir(), 'prolo-rfs-'));
  const [gateway, first, second] = ['versions', 'server1', 'server2'].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  for (const dir of [gateway, first, second]) mkdirSync(dir);
  const one = await startSshd({ machines: 1, first: from, mounts: { [gateway]: first } });
  const startSecond = (): Promise<Sshd> =>
    startSshd({ machines: 1, first: from + 1, like: one, mounts: { [gateway]: second } });
  const sshd: [Sshd, Sshd] = [one, await startSecond()];
  const test = await makeTestSite({
    networks: [{ name: 'lan', cidr: '127.0.1.0/24', role: 'machines', gateway: '127.0.1.254' }],
    pools: { user: '127.0.1.150-127.0.1.200', service: '127.0.1.1-127.0.1.100', cluster: 'service' },
    ssh: { user: one.user, port: one.port, identity: one.identity },
    rfs: { staging: join(root, 'staging'), dir: gateway },
  });
  const machine = (n: number, fields: object) => ({ input: { mac: `52:54:00:00:00:0${n}`, ...fields } });
  await changeMachines(await test.store(), test.site.config, 'test', () => ({
    wishes: [
      machine(1, { hostname: 'rhfs01', mtype: 'service', ip: one.ip(1), aliases: ['rfs0', 'rfs1'] }),
      machine(2, { hostname: 'rhfs23', mtype: 'service', ip: sshd[1].ip(1), aliases: ['rfs2'] }),
      ...[0, 1, 2].map((n) => machine(3 + n, { hostname: `pc${n}`, rfs: n })),
    ],
  }));
  return {
    test,
    gateway,
    first,
    second,
    sshd,
    async restartSecond() {
      sshd[1] = await startSecond();
    },
    async addVersion(version, imageBytes = 3_000_000) {
      const store = await test.store();
      const manifest = await writeVersion(gateway, version, imageBytes, test);
      await addVersion(store, 'root@gw', manifest);
      for (const { hostname, remote } of findPlaces(test.site, await listMachines(store.knex)))
        if (remote) {
          await bringVersion(remote, gateway, manifest);
          await noteCopy(store, { hostname, version });
        }
      await switchBoots(store, 'root@gw', { rfs: [0, 1, 2], version });
      return manifest;
    },
    async stop() {
      for (const one of sshd) await one.stop();
      await test.remove();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

async function writeVersion(
  dir: string,
  version: number,
  imageBytes: number,
  test: TestSite,
): Promise<Manifest> {
  const folder = join(dir, String(version));
  mkdirSync(folder);
  const image = Buffer.alloc(imageBytes);
  for (let at = 0; at + 4 <= imageBytes; at += 4) image.writeUInt32LE((at * 2654435761 + version) >>> 0, at);
  writeFileSync(join(folder, 'root.img'), image);
  for (const name of ['root.verity', 'vmlinuz', 'initrd.img'])
    writeFileSync(join(folder, name), `${name} ${version}\n`.repeat(100));
  const files = Object.fromEntries(
    await Promise.all(VERSION_FILES.map(async (name) => [name, await hashFile(join(folder, name))] as const)),
  ) as Manifest['files'];
  const text = renderManifest({ ...manifestOf(version), files });
  writeFileSync(join(folder, MANIFEST), text);
  writeFileSync(
    join(folder, SIGNATURE),
    signManifest(text, keyPairOf(test.site.secret('rfs.sign')).privateKey),
  );
  return JSON.parse(text) as Manifest;
}

/** Changes one byte in place. */
export function flipByte(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at]! ^= 1;
  writeFileSync(file, bytes, { flag: 'r+' });
}
