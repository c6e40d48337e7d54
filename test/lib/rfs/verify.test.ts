import {
  closeSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect } from 'chai';
import { listCopies } from '../../../src/lib/rfs/copies.ts';
import { promote } from '../../../src/lib/rfs/promote.ts';
import { withServers } from '../../../src/lib/rfs/publish.ts';
import { rollback } from '../../../src/lib/rfs/rollback.ts';
import { verify } from '../../../src/lib/rfs/verify.ts';
import { type Checked, isBad, judge, parseSums } from '../../../src/lib/rfs/verify-decide.ts';
import { proloBin } from '../../support/cli.ts';
import { needs } from '../../support/needs.ts';
import { rejection } from '../../support/rejection.ts';
import { flipByte, type RfsServers, startRfsServers } from '../../support/rfs-servers.ts';
import { sshPackages } from '../../support/ssh-site.ts';

describe('what is found of a version', () => {
  const [a, b] = ['a'.repeat(64), 'b'.repeat(64)];
  const expected = new Map([
    ['root.img', a],
    ['vmlinuz', b],
  ]);
  it('is each file with other bytes, or with none', () => {
    const sums = parseSums(`${a} *root.img\nsomething else\n${b}  vmlinuz\n`);
    expect(judge(expected, sums, true)).to.deep.equal({ found: 'whole', files: [] });
    expect(judge(expected, parseSums(`${b}  root.img\n`), true)).to.deep.equal({
      found: 'damaged',
      files: ['root.img', 'vmlinuz'],
    });
  });
  it('is nothing where there is none and none is needed', () => {
    expect(judge(expected, undefined, true)).to.include({ found: 'lacking' });
    expect(judge(expected, undefined, false)).to.include({ found: 'absent' });
    expect(
      (['whole', 'damaged', 'lacking', 'absent', 'unknown'] as const).map((found) =>
        isBad({ hostname: 'x', version: 1, found, files: [] }),
      ),
    ).to.deep.equal([false, true, true, false, true]);
  });
});

describe('versions on real servers, verified', function () {
  this.timeout(120_000);
  let servers: RfsServers;
  before(async function () {
    needs(this, { ...sshPackages, rsync: 'rsync', unshare: 'util-linux', flock: 'util-linux' });
    servers = await startRfsServers(31);
    for (const version of [1, 2]) await servers.addVersion(version);
  });
  after(() => servers?.stop());

  const check = async (versions?: number[], repair = false): Promise<Checked[]> =>
    verify(servers.test.site, await servers.test.store(), { versions, repair, actor: 'root@gw' });
  const bad = (checked: Checked[]): string[] =>
    checked
      .filter(isBad)
      .map(({ hostname, version, found, files }) => [hostname, version, found, ...files].join(' '));
  const bytes = (dir: string, version: number, name: string): Buffer =>
    readFileSync(join(dir, String(version), name));

  it('are whole', async () => {
    const checked = await check();
    expect(checked).to.have.length(6);
    expect(bad(checked)).to.deep.equal([]);
  });

  it('a byte that flipped on one server is found; nobody goes back to that, nor is brought to it', async () => {
    flipByte(join(servers.second, '1/root.img'), 1_234_567);
    flipByte(join(servers.second, '1/version.sig'), 3);
    expect(bad(await check())).to.deep.equal(['rhfs23 1 damaged root.img version.sig']);
    const store = await servers.test.store();
    expect((await listCopies(store.knex)).filter(({ damage }) => damage.length > 0)).to.have.length(1);
    expect((await rejection(rollback(store, 'root@gw', 1))).message).to.match(/rhfs23 .*damaged root.img/);
    const options = { actor: 'root@gw', partial: false };
    expect((await rejection(promote(servers.test.site, store, 1, options))).message).to.match(
      /rhfs23 .*root\.img/,
    );
  });

  it('is mended in the file that machines have open', async () => {
    const file = join(servers.second, '1/root.img');
    const held = openSync(file, 'r');
    const before = statSync(file).ino;
    try {
      const checked = await check(undefined, true);
      expect(bad(checked)).to.deep.equal([]);
      expect(checked.filter(({ repaired }) => repaired)).to.have.length(1);
      expect(statSync(file).ino).to.equal(before);
      const seen = Buffer.alloc(3_000_000);
      expect(readSync(held, seen, 0, seen.length, 0)).to.equal(seen.length);
      expect(seen.equals(bytes(servers.gateway, 1, 'root.img'))).to.equal(true);
    } finally {
      closeSync(held);
    }
    const store = await servers.test.store();
    expect(await rollback(store, 'root@gw', 1)).to.include({ version: 1 });
    expect(await rollback(store, 'root@gw', 2)).to.include({ version: 2 });
  });

  it('a file that is too short, too long or gone is mended too', async () => {
    truncateSync(join(servers.first, '2/root.img'), 1_000_000);
    writeFileSync(join(servers.first, '2/initrd.img'), 'more', { flag: 'a' });
    rmSync(join(servers.first, '2/vmlinuz'));
    expect(bad(await check([2]))).to.deep.equal(['rhfs01 2 damaged root.img vmlinuz initrd.img']);
    expect(bad(await check([2], true))).to.deep.equal([]);
    for (const name of ['root.img', 'initrd.img', 'vmlinuz', 'version.json'])
      expect(bytes(servers.first, 2, name).equals(bytes(servers.gateway, 2, name)), name).to.equal(true);
  });

  it('the gateway’s own copy is mended from a server', async () => {
    const whole = bytes(servers.gateway, 2, 'root.img');
    flipByte(join(servers.gateway, '2/root.img'), 7);
    writeFileSync(join(servers.gateway, '2/version.json'), '{}');
    rmSync(join(servers.gateway, '1'), { recursive: true });
    rmSync(join(servers.first, '1/vmlinuz'));
    const found = bad(await check());
    expect(found.filter((line) => !line.startsWith('rhfs'))).to.have.length(2);
    expect(bad(await check(undefined, true))).to.deep.equal([]);
    expect(bytes(servers.gateway, 2, 'root.img').equals(whole)).to.equal(true);
    expect(bad(await check())).to.deep.equal([]);
  });

  it('what is nowhere whole is said, and left', async () => {
    const files = [servers.gateway, servers.first, servers.second].map((dir) => join(dir, '1/vmlinuz'));
    for (const file of files) flipByte(file, 0);
    expect(bad(await check([1], true))).to.have.length(3);
    for (const file of files) flipByte(file, 0);
    expect(bad(await check([1]))).to.deep.equal([]);
  });

  it('a server that lacks what its machines boot gets it', async () => {
    rmSync(join(servers.first, '2'), { recursive: true });
    expect(bad(await check())).to.deep.equal(['rhfs01 2 lacking']);
    expect(bad(await check(undefined, true))).to.deep.equal([]);
    expect(bytes(servers.first, 2, 'vmlinuz').equals(bytes(servers.gateway, 2, 'vmlinuz'))).to.equal(true);
  });

  it('nobody goes back to a version that a server has lost', async () => {
    const store = await servers.test.store();
    rmSync(join(servers.first, '1'), { recursive: true });
    expect(bad(await check())).to.deep.equal(['rhfs01 1 lacking']);
    expect((await rejection(rollback(store, 'root@gw', 1))).message).to.match(/^version 1: rhfs01 /);
    expect(bad(await check())).to.deep.equal(['rhfs01 1 lacking']);
    expect(bad(await check([1], true))).to.deep.equal([]);
    await rollback(store, 'root@gw', 1);
    await rollback(store, 'root@gw', 2);
  });

  it('a server that does not answer is not known to be whole', async () => {
    await servers.sshd[1].stop();
    try {
      expect(bad(await check([2]))).to.deep.equal(['rhfs23 2 unknown']);
    } finally {
      await servers.restartSecond();
    }
    expect((await rejection(check([9]))).message).to.equal('version 9: there is none');
  });

  it('is not mended while another run brings versions to servers, and is read all the same', async () => {
    const { site } = servers.test;
    const options = { versions: undefined, actor: 'root@gw' };
    await withServers(site, async () => {
      const store = await servers.test.store();
      expect(await rejection(verify(site, store, { ...options, repair: true }))).to.include({
        kind: 'conflict',
      });
      expect((await verify(site, store, { ...options, repair: false })).length).to.be.greaterThan(0);
    });
  });

  it('a repair that is killed anywhere is done by the next one', async () => {
    const held = openSync(join(servers.second, '2/root.img'), 'r');
    for (let round = 0; round < 6; round++) {
      for (let at = 100; at < 3_000_000; at += 400_000)
        flipByte(join(servers.second, '2/root.img'), at + round);
      const child = spawn(
        process.execPath,
        [proloBin, 'rfs', 'verify', '2', '--repair', '-c', servers.test.site.file],
        { stdio: ['ignore', 'ignore', 'pipe'] },
      );
      const exit = once(child, 'exit');
      // Killed at the beginning, while it hashes, or at the word that it mends.
      if (round % 2 === 0) child.stderr.once('data', () => child.kill('SIGKILL'));
      else
        child.stderr.on('data', (part: Buffer) => /mending/.test(part.toString()) && child.kill('SIGKILL'));
      await exit;
    }
    expect(bad(await check(undefined, true))).to.deep.equal([]);
    const seen = Buffer.alloc(3_000_000);
    readSync(held, seen, 0, seen.length, 0);
    closeSync(held);
    expect(seen.equals(bytes(servers.gateway, 2, 'root.img'))).to.equal(true);
  });
});
