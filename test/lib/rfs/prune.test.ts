import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { listCopies } from '../../../src/lib/rfs/copies.ts';
import { prune, readPrunePlan, type Removed } from '../../../src/lib/rfs/prune.ts';
import { planPrune, type PruneFacts } from '../../../src/lib/rfs/prune-decide.ts';
import { bootFiles, type RfsRecord } from '../../../src/lib/rfs/record.ts';
import { rollback } from '../../../src/lib/rfs/rollback.ts';
import { noteRunning } from '../../../src/lib/rfs/running.ts';
import { listVersionRows, listVersions, switchBoots, type VersionRow } from '../../../src/lib/rfs/table.ts';
import { addTag, removeTag } from '../../../src/lib/rfs/tag.ts';
import { prolo, proloBin } from '../../support/cli.ts';
import { needs } from '../../support/needs.ts';
import { rejection } from '../../support/rejection.ts';
import { manifestOf } from '../../support/rfs.ts';
import { type RfsServers, startRfsServers } from '../../support/rfs-servers.ts';
import { sshPackages } from '../../support/ssh-site.ts';

const now = Date.parse('2026-05-09T10:00:00Z');
const ago = (minutes: number): string => new Date(now - minutes * 60_000).toISOString();

describe('what is pruned', () => {
  const row = (version: number, facts: Partial<VersionRow> = {}): VersionRow => ({
    manifest: manifestOf(version),
    bootedAt: ago(9000),
    leftAt: null,
    prunedAt: null,
    ...facts,
  });
  const record = (rfs: number, version: number, tried?: number): RfsRecord => {
    const files = (one: number) => bootFiles({ version: one, rootHash: 'a'.repeat(64) });
    return {
      rfs,
      ...files(version),
      canary: tried === undefined ? null : { ...files(tried), machines: ['pc1', 'pc2'] },
    };
  };
  /** 1 is pruned; 2 to 9 are there. */
  const facts: PruneFacts = {
    rows: [9, 8, 7, 6, 5, 4, 3, 2, 1].map((n) =>
      row(
        n,
        n === 1 ? { prunedAt: ago(60) } : n === 7 ? { leftAt: ago(2) } : n === 2 ? { leftAt: ago(99) } : {},
      ),
    ),
    boots: [record(0, 6), record(1, 6, 8)],
    running: [
      { hostname: 'pas-r01p01', version: 4, kernel: '6', seenAt: ago(1439) },
      { hostname: 'pas-r01p02', version: 4, kernel: '6', seenAt: ago(5) },
      { hostname: 'pas-r01p03', version: 3, kernel: '6', seenAt: ago(1441) },
    ],
    tags: [{ name: 'finals', version: 5 }],
    nowMs: now,
  };

  it('is what nobody needs, the newest aside', () => {
    expect(planPrune(facts, 1, undefined)).to.deep.equal({
      prune: [3, 2],
      kept: [
        { version: 9, why: 'one of the newest 1' },
        { version: 8, why: 'tried by pc[1-2]' },
        { version: 7, why: 'booted until a moment ago: machines may still be starting, for 8 min' },
        { version: 6, why: 'booted by the machines of rfs[0-1]' },
        { version: 5, why: 'tagged finals' },
        { version: 4, why: 'run by pas-r01p[01-02]' },
      ],
    });
    expect(planPrune(facts, 7, undefined).prune).to.deep.equal([2]);
    expect(planPrune(facts, 8, undefined).prune).to.deep.equal([]);
    expect(planPrune({ ...facts, rows: [], boots: [] }, 1, undefined)).to.deep.equal({ prune: [], kept: [] });
  });

  it('is what was named, unless somebody needs it', () => {
    expect(planPrune(facts, 5, [9, 3]).prune).to.deep.equal([9, 3]);
    expect(planPrune(facts, 5, [1]).prune).to.deep.equal([]);
    for (const [version, why] of [
      [8, 'version 8: tried by pc[1-2]'],
      [7, 'version 7: booted until a moment ago'],
      [6, 'version 6: booted by the machines of rfs[0-1]'],
      [5, 'version 5: tagged finals'],
      [4, 'version 4: run by pas-r01p[01-02]'],
      [10, 'version 10: there is none'],
    ] as const)
      expect(() => planPrune(facts, 5, [3, version])).to.throw(why);
  });
});

describe('versions on real servers, pruned', function () {
  this.timeout(120_000);
  let servers: RfsServers;
  before(async function () {
    needs(this, { ...sshPackages, rsync: 'rsync', unshare: 'util-linux', flock: 'util-linux' });
    servers = await startRfsServers(41);
    for (const version of [1, 2, 3, 4, 5]) await servers.addVersion(version, 100_000);
    await restNow();
  });
  after(() => servers?.stop());

  /** As if nobody were starting any more. */
  const restNow = async (): Promise<void> => {
    await (await servers.test.store()).knex('rfs_versions').update({ left_at: null });
  };
  const dirs = (): string[][] =>
    [servers.gateway, servers.first, servers.second].map((dir) => readdirSync(dir).sort());
  const run = async (...versions: number[]): Promise<Removed[]> =>
    prune(servers.test.site, await servers.test.store(), 'root@gw', versions);

  it('one that is booted, run or tagged is refused, and who needs it is named', async () => {
    const store = await servers.test.store();
    expect((await rejection(run(5))).message).to.equal('version 5: booted by the machines of rfs[0-2]');
    const { ip } = (await store.knex('machines').where({ hostname: 'pc1' }).first('ip')) as { ip: string };
    await noteRunning(store, ip, { version: 3, kernel: '6.1.0' }, new Date());
    expect((await rejection(run(1, 3))).message).to.equal('version 3: run by pc1');
    await addTag(store, 'root@gw', { name: 'finals', version: 2 });
    expect((await rejection(run(2))).message).to.equal('version 2: tagged finals');
    expect(dirs()).to.deep.equal(Array(3).fill(['1', '2', '3', '4', '5']));
    expect((await readPrunePlan(store, 1, undefined)).prune).to.deep.equal([4, 1]);
  });

  it('goes from every server and the gateway; its number stays taken, and nobody goes back to it', async () => {
    const store = await servers.test.store();
    mkdirSync(join(servers.second, '.gone-99'));
    mkdirSync(join(servers.gateway, '.mend-1')); // of a repair that was killed
    const removed = await run(1);
    expect(removed.map(({ versions, trouble }) => [versions, trouble])).to.deep.equal(
      Array(3).fill([[1], undefined]),
    );
    expect(dirs()).to.deep.equal(Array(3).fill(['2', '3', '4', '5']));
    expect((await listVersions(store.knex)).map(({ version }) => version)).to.deep.equal([5, 4, 3, 2]);
    expect((await listCopies(store.knex)).filter(({ version }) => version === 1)).to.deep.equal([]);
    expect((await rejection(rollback(store, 'root@gw', 1))).message).to.equal('version 1: it was pruned');
    expect((await rejection(switchBoots(store, 'root@gw', { rfs: [0], version: 1 }))).message).to.equal(
      'version 1: it was pruned',
    );
    expect((await listVersionRows(store.knex)).map(({ manifest }) => manifest.version)).to.deep.equal([
      5, 4, 3, 2, 1,
    ]);
    expect(await run()).to.deep.equal([]);
  });

  it('a server that was not there is told by the next one', async () => {
    const store = await servers.test.store();
    await servers.sshd[1].stop();
    const removed = await run(4);
    await servers.restartSecond();
    expect(removed.find(({ hostname }) => hostname === 'rhfs23')!.trouble).to.match(/rhfs23/);
    expect(dirs().map((names) => names.includes('4'))).to.deep.equal([false, false, true]);
    expect((await listCopies(store.knex)).filter(({ version }) => version === 4)).to.have.length(1);
    expect(await run()).to.deep.equal([{ hostname: 'rhfs23', versions: [4] }]);
    expect(dirs()).to.deep.equal(Array(3).fill(['2', '3', '5']));
    expect((await listCopies(store.knex)).filter(({ version }) => version === 4)).to.deep.equal([]);
  });

  it('the command asks, says what stays and why, and names who runs what is refused', async () => {
    const config = { config: servers.test.site.file };
    const refused = await prolo(['rfs', 'prune', '3'], config);
    expect(refused).to.include({ status: 9 });
    expect(refused.stderr).to.contain('version 3: run by pc1');
    const plan = await prolo(['rfs', 'prune', '--keep', '1', '--dry-run'], config);
    expect(plan.stdout).to.equal('no version would be removed\n');
    expect(plan.stderr).to.contain('version 2 stays: tagged finals');
    await removeTag(await servers.test.store(), 'root@gw', 'finals');
    const asked = await prolo(['rfs', 'prune', '--keep', '1'], config);
    expect(asked.status).to.equal(2);
    expect(asked.stderr).to.contain('remove version 2 for good?');
    const json = await prolo(['rfs', 'prune', '--keep', '1', '--dry-run', '--json'], config);
    expect((JSON.parse(json.stdout) as { prune: number[] }).prune).to.deep.equal([2]);
    const done = await prolo(['rfs', 'prune', '2', '--yes'], config);
    expect(done.stdout).to.equal('version 2: gone\n');
    expect(dirs()).to.deep.equal(Array(3).fill(['3', '5']));
  });

  it('that is killed anywhere leaves no half of a version that can be booted, and is done by the next one', async () => {
    const store = await servers.test.store();
    await store.knex('rfs_running').delete();
    let version = 6;
    for (const waitMs of [0, 80, 200]) {
      await servers.addVersion(version, 100_000);
      for (const dir of [servers.gateway, servers.first, servers.second])
        for (let n = 0; n < 300; n++) writeFileSync(join(dir, String(version - 1), `more-${n}`), 'x');
      await restNow();
      const args = ['rfs', 'prune', String(version - 1), '--yes', '-c', servers.test.site.file];
      const child = spawn(process.execPath, [proloBin, ...args], { stdio: 'ignore' });
      const exit = once(child, 'exit');
      const isPruned = async (): Promise<boolean> =>
        !(await listVersions(store.knex)).some((one) => one.version === version - 1);
      while (child.exitCode === null && child.signalCode === null && !(await isPruned())) await sleep(5);
      await sleep(waitMs);
      child.kill('SIGKILL');
      await exit;
      expect(await isPruned()).to.equal(true);
      version++;
    }
    await run();
    await run();
    expect(dirs()).to.deep.equal(Array(3).fill(['3', String(version - 1)]));
    expect(existsSync(join(servers.second, '.gone-5'))).to.equal(false);
    expect((await listCopies(store.knex)).map((copy) => copy.version)).to.deep.equal([3, 3, 8, 8]);
  });
});
