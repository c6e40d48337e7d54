import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ProloError } from '../../../src/lib/errors.ts';
import { changeMachines, listMachines } from '../../../src/lib/mdb/machines.ts';
import { commit, type CommitOptions } from '../../../src/lib/rfs/commit.ts';
import { promote } from '../../../src/lib/rfs/promote.ts';
import { rollback } from '../../../src/lib/rfs/rollback.ts';
import { listBoots, listVersions } from '../../../src/lib/rfs/table.ts';
import { needs } from '../../support/needs.ts';
import { rejection } from '../../support/rejection.ts';
import { kernelTreeOfLab, makeStaging, needsKernel, plantProlo } from '../../support/rfs.ts';
import { makeTestSite, type TestSite } from '../../support/site.ts';
import { sshPackages } from '../../support/ssh-site.ts';
import { type Sshd, startSshd } from '../../support/sshd.ts';

describe('a commit of the root filesystem', function () {
  this.timeout(120_000);
  let root: string;
  let test: TestSite;
  let servers: Sshd[];
  const at = (name: string): string => join(root, name);
  const options: CommitOptions = { message: 'tried', actor: 'root@gw', at: new Date(0), partial: false };
  const boots = async (): Promise<number[][]> =>
    (await listBoots((await test.store()).knex)).map(({ rfs, version }) => [rfs, version]);

  before(async function () {
    needs(this, {
      ...sshPackages,
      rsync: 'rsync',
      mksquashfs: 'squashfs-tools',
      veritysetup: 'cryptsetup-bin',
    });
    needsKernel(this);
    root = mkdtempSync(join(tmpdir(), 'prolo-rfs-'));
    for (const name of ['versions', 'server1', 'server2']) mkdirSync(at(name));
    await makeStaging(at('staging'), kernelTreeOfLab());
    const first = await startSshd({ machines: 1, mounts: { [at('versions')]: at('server1') } });
    const second = await startSshd({
      machines: 1,
      first: 2,
      like: first,
      mounts: { [at('versions')]: at('server2') },
    });
    servers = [first, second];
    test = await makeTestSite({
      networks: [{ name: 'lan', cidr: '127.0.1.0/24', role: 'machines', gateway: '127.0.1.254' }],
      pools: { user: '127.0.1.100-127.0.1.200', service: '127.0.1.1-127.0.1.50', cluster: 'service' },
      ssh: { user: first.user, port: first.port, identity: first.identity },
      rfs: { staging: at('staging'), dir: at('versions') },
    });
    const machine = (n: number, fields: object) => ({ input: { mac: `52:54:00:00:00:0${n}`, ...fields } });
    await changeMachines(await test.store(), test.site.config, 'test', () => ({
      wishes: [
        machine(1, { hostname: 'rhfs01', mtype: 'service', ip: '127.0.1.1', aliases: ['rfs0', 'rfs1'] }),
        machine(2, { hostname: 'rhfs23', mtype: 'service', ip: '127.0.1.2', aliases: ['rfs2'] }),
        machine(3, { hostname: 'pc0', rfs: 0 }),
        machine(4, { hostname: 'pc1', rfs: 1 }),
        machine(5, { hostname: 'pc2', rfs: 2 }),
      ],
    }));
  });
  after(async () => {
    for (const server of servers ?? []) await server.stop();
    await test?.remove();
    if (root) rmSync(root, { recursive: true, force: true });
  });

  it('is on every server before anybody boots it; with nothing changed there is no other', async () => {
    const store = await test.store();
    expect(await commit(test.site, store, options)).to.deep.equal({
      version: 1,
      switched: [0, 1, 2],
      failed: [],
    });
    for (const name of ['versions', 'server1', 'server2']) expect(readdirSync(at(name))).to.deep.equal(['1']);
    expect(await boots()).to.deep.equal([
      [0, 1],
      [1, 1],
      [2, 1],
    ]);
    expect(await commit(test.site, store, options)).to.deep.include({ version: undefined });
    expect(await listVersions(store.knex)).to.have.length(1);
  });

  it('is booted by nobody when one server does not have it; --partial does without that one', async () => {
    const store = await test.store();
    writeFileSync(at('staging/etc/motd'), 'two\n');
    writeFileSync(at('server2/.new-2'), 'in the way');
    expect((await rejection(commit(test.site, store, options))).message).to.match(
      /^version 2: rhfs23 does not have it/,
    );
    expect((await boots()).map(([, version]) => version)).to.deep.equal([1, 1, 1]);
    writeFileSync(at('staging/etc/motd'), 'three\n');
    writeFileSync(at('server2/.new-3'), 'in the way');
    const { switched, failed } = await commit(test.site, store, { ...options, partial: true });
    expect(switched).to.deep.equal([0, 1]);
    expect(failed.map(({ hostname }) => hostname)).to.deep.equal(['rhfs23']);
    expect((await boots()).map(([, version]) => version)).to.deep.equal([3, 3, 1]);
  });

  it('is tried by some machines first, then promoted to all, also where it was broken off', async () => {
    const store = await test.store();
    const [pc] = (await listMachines(store.knex)).filter(({ hostname }) => hostname === 'pc0');
    writeFileSync(at('staging/etc/motd'), 'four\n');
    rmSync(at('server2/.new-3'), { force: true });
    expect(await commit(test.site, store, { ...options, canaries: [pc!] })).to.deep.equal({
      version: 4,
      switched: [],
      tried: 1,
      failed: [],
    });
    const [first] = await listBoots(store.knex);
    expect(first!.version).to.equal(3);
    expect(first!.canary).to.deep.include({ version: 4, machines: ['pc0'] });
    expect(await rollback(store, 'root@gw', undefined)).to.deep.include({ trialOf: 4 });
    expect((await listBoots(store.knex))[0]!.canary).to.equal(null);
    expect(await promote(test.site, store, undefined, options)).to.deep.include({
      version: 4,
      switched: [0, 1, 2],
    });
    expect((await boots()).map(([, version]) => version)).to.deep.equal([4, 4, 4]);
    expect(await promote(test.site, store, 2, options)).to.deep.include({ version: 2, switched: [0, 1, 2] });
  });

  it('is tried by those alone whose server has it', async () => {
    const store = await test.store();
    const machines = await listMachines(store.knex);
    const named = (...names: string[]) => machines.filter(({ hostname }) => names.includes(hostname));
    const run = (...names: string[]) =>
      commit(test.site, store, { ...options, partial: true, canaries: named(...names) });
    writeFileSync(at('staging/etc/motd'), 'five\n');
    expect((await rejection(run('pc0', 'rhfs01'))).message).to.match(/^canary rhfs01: a service/);
    writeFileSync(at('server2/.new-5'), 'in the way');
    expect((await rejection(run('pc2'))).message).to.match(/^version 5: no server of the machines/);
    expect((await listBoots(store.knex)).map(({ canary }) => canary)).to.deep.equal([null, null, null]);
    expect(await run('pc0', 'pc2')).to.deep.include({ version: 5, tried: 1 });
    const tried = (await listBoots(store.knex)).map(({ canary }) => canary?.machines);
    expect(tried).to.deep.equal([['pc0'], undefined, undefined]);
    rmSync(at('server2/.new-5'));
  });

  it('is of the tree that a link in place of staging leads to', async () => {
    renameSync(at('staging'), at('elsewhere'));
    symlinkSync('elsewhere', at('staging'));
    mkdirSync(at('staging/root/.ssh'), { recursive: true });
    writeFileSync(at('staging/root/.ssh/id_rsa'), 'a key\n');
    const run = async () => commit(test.site, await test.store(), options);
    expect((await rejection(run())).message).to.contain('root/.ssh/id_rsa (a private key)');
    rmSync(at('staging/root'), { recursive: true });
    expect(await run()).to.deep.include({ version: 6 });
    const image = (n: number): number => statSync(at(`versions/${n}/root.img`)).size;
    expect(image(6)).to.be.greaterThan(image(5) / 2);
    rmSync(at('staging'));
    renameSync(at('elsewhere'), at('staging'));
  });

  it('is refused with what should not be on every machine', async () => {
    mkdirSync(at('staging/root'), { recursive: true });
    writeFileSync(at('staging/root/.bash_history'), 'passwd\n');
    const error = await rejection(commit(test.site, await test.store(), options));
    expect(error.message).to.contain('root/.bash_history (what somebody typed)');
    expect(existsSync(at('versions/7'))).to.equal(false);
    rmSync(at('staging/root'), { recursive: true });
  });

  it('is refused without prolo in it: who boots that has no account, and no home', async () => {
    writeFileSync(at('staging/usr/lib/prolo/node'), '');
    rmSync(at('staging/etc/prolo'), { recursive: true });
    const error = await rejection(commit(test.site, await test.store(), options));
    expect(error.message).to.match(
      /: usr\/lib\/prolo\/node, etc\/prolo\/secrets\.yml, etc\/prolo\/prolo\.yml: not there$/,
    );
    expect((error as ProloError).hint).to.contain('prolo rfs configure');
    plantProlo(at('staging'));
    expect(await commit(test.site, await test.store(), options)).to.deep.include({ version: 7 });
  });

  it('is another one where only the list of what a boot reads has changed', async () => {
    mkdirSync(join(test.site.dir, 'rfs'));
    writeFileSync(join(test.site.dir, 'rfs/boot-files'), 'etc/motd\n');
    const store = await test.store();
    expect(await commit(test.site, store, options)).to.deep.include({ version: 8 });
    expect(await commit(test.site, store, options)).to.deep.include({ version: undefined });
  });
});
