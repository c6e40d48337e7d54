import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { createRpcClient } from '../../src/lib/rpc/client.ts';
import { hfsUrl } from '../../src/lib/site/site.ts';
import { type HomesSite, homesPackages, makeHomesSite } from '../support/homes.ts';
import { eventually } from '../support/lab.ts';
import { connectNbd, type NbdAddress, type NbdClient } from '../support/nbd-client.ts';
import { needs } from '../support/needs.ts';
import { startDaemonProcess } from '../support/processes.ts';
import { rejection } from '../support/rejection.ts';

const MiB = 1024 ** 2;
const BLOCK = 4096;
const PLACE = 40 * MiB;

const nameOf = (n: number): string => `u${String(n).padStart(3, '0')}`;

describe('A home file server whose files were damaged', function () {
  this.timeout(90_000);
  let homes: HomesSite;
  let next = 0;

  before(async function () {
    needs(this, homesPackages);
    process.env.PROLO_TEST_LOG = 'silent';
    homes = await makeHomesSite({ users: 20, seats: 20, sizeBytes: 64 * MiB });
  });
  after(async () => {
    delete process.env.PROLO_TEST_LOG;
    await homes?.close();
  });

  /** Somebody who has written a word, and is still logged on. */
  async function enter(hfs = 0): Promise<{ login: string; n: number; at: NbdAddress }> {
    const n = ++next;
    const login = nameOf(n);
    const at = await homes.enter(login, hfs, n);
    const client = await connectNbd(at);
    await client.write(PLACE, Buffer.alloc(BLOCK, login));
    await client.flush();
    client.destroy();
    return { login, n, at };
  }
  async function read(at: NbdAddress): Promise<string> {
    const client = await connectNbd(at);
    const text = (await client.read(PLACE, BLOCK)).toString('latin1').slice(0, 4);
    await client.close();
    return text;
  }
  const runDir = (login: string): string => homes.site.statePath(homes.site.config.hfs.runDir, 'hfs0', login);
  const storages = (login: string): number[] =>
    homes
      .processes(0, login)
      .filter(({ program }) => program === 'storage')
      .map(({ pid }) => pid);

  it('gives a home again whose run directory is gone, and leaves nothing that holds its image', async () => {
    const { login } = await enter();
    const [before] = storages(login);
    rmSync(runDir(login), { recursive: true });
    expect(await read(await homes.getHfs(0, login))).to.equal(login);
    rmSync(runDir(login), { recursive: true });
    await homes.kill('hfs@0');
    await homes.start('hfs@0');
    expect(storages(login), 'nothing serves what nobody knows').to.deep.equal([]);
    expect(await read(await homes.getHfs(0, login))).to.equal(login);
    expect(storages(login)).to.have.length(1).and.not.include(before);
  });

  for (const text of ['', '{"login"', 'null', '{}', '[]', '{"login":"../x","epoch":"1"}'])
    it(`starts with a record of ${text || 'nothing'}, and gives that home again`, async () => {
      const { login } = await enter();
      await homes.kill('hfs@0');
      writeFileSync(join(runDir(login), 'record.json'), text);
      await homes.start('hfs@0');
      expect(await read(await homes.getHfs(0, login))).to.equal(login);
      expect(storages(login)).to.have.length(1);
    });

  it('starts a storage anew that answers nothing any more', async () => {
    const { login, at } = await enter();
    const [pid] = storages(login);
    await homes.kill('hfs@0');
    process.kill(pid!, 'SIGSTOP');
    await homes.start('hfs@0');
    expect(storages(login)).to.have.length(1).and.not.include(pid);
    expect(await read(at), 'under the same name').to.equal(login);
    expect(await read(await homes.getHfs(0, login))).to.equal(login);
  });

  it('touches nothing of a server of the same number that runs', async () => {
    const { login, at } = await enter();
    const before = storages(login);
    const client = await connectNbd(at);
    await rejection(startDaemonProcess(homes.site.file, 'hfs@0'));
    await client.write(PLACE, Buffer.alloc(BLOCK, 'goes on'));
    await client.flush();
    await client.close();
    expect(storages(login)).to.deep.equal(before);
    expect(await read(await homes.getHfs(0, login))).to.equal('goes');
  });

  it('says that an image is gone, keeps no process for it, and serves it when it is back', async () => {
    const { login } = await enter();
    const image = homes.image(0, login, 1);
    renameSync(image, `${image}.away`);
    const [pid] = storages(login);
    await homes.kill('hfs@0');
    process.kill(pid!, 'SIGKILL');
    await homes.start('hfs@0');
    expect(String(await rejection(homes.getHfs(0, login)))).to.match(/is not where it should be on hfs 0/);
    const left = await eventually(async () => storages(login), (pids) => pids.length === 0); // prettier-ignore
    expect(left).to.deep.equal([]);
    renameSync(`${image}.away`, image);
    expect(await read(await homes.getHfs(0, login))).to.equal(login);
  });
});

describe('Homes that move while something is wrong', function () {
  this.timeout(90_000);
  let homes: HomesSite;

  before(async function () {
    needs(this, homesPackages);
    process.env.PROLO_TEST_LOG = 'silent';
    homes = await makeHomesSite({
      ...{ users: 5, seats: 5, sizeBytes: 64 * MiB },
      hfs: { moveBytesPerSecond: 4 * MiB },
    });
  });
  after(async () => {
    delete process.env.PROLO_TEST_LOG;
    await homes?.close();
  });

  async function write(at: NbdAddress, text: string): Promise<void> {
    const client = await connectNbd(at);
    await client.write(PLACE, Buffer.alloc(BLOCK, text));
    await client.flush();
    await client.close();
  }
  async function read(at: NbdAddress): Promise<string> {
    const client = await connectNbd(at);
    const text = (await client.read(PLACE, BLOCK)).toString('latin1').slice(0, 8);
    await client.close();
    return text;
  }
  /** Writes one number after the other until it is cut off; says which was acknowledged last. */
  function count(client: NbdClient): { acknowledged(): number; ended: Promise<void> } {
    let last = 0;
    const loop = async (): Promise<void> => {
      for (let n = 1; ; n++) {
        const block = Buffer.alloc(BLOCK);
        block.writeUInt32BE(n);
        await client.write(PLACE, block);
        await client.flush();
        last = n;
      }
    };
    return { acknowledged: () => last, ended: loop().catch(() => undefined) };
  }
  const settled = (login: string, hfs: number) =>
    eventually(() => homes.row(login), (row) => row?.state === 'here' && row.hfs === hfs, 25_000); // prettier-ignore

  it('go to and fro ten times, each time at once, with what was written last', async () => {
    let before = '';
    for (let turn = 0; turn < 10; turn++) {
      const at = await homes.enter('u001', turn % 2, 1);
      if (before) expect(await read(at)).to.equal(before);
      before = `turn ${turn}  `.slice(0, 8);
      await write(at, before);
      await homes.logout('u001', homes.seat(turn % 2, 1));
    }
  });

  it('lose nothing where the table of homes was restored from an older day', async () => {
    await write(await homes.enter('u002', 0, 2), 'epoch 1 ');
    await homes.logout('u002', homes.seat(0, 2));
    const old = (await homes.row('u002'))!;
    for (const [hfs, text] of [
      [1, 'epoch 2 '],
      [0, 'epoch 3 '],
    ] as const) {
      // prettier-ignore
      await write(await homes.enter('u002', hfs, 2), text);
      await settled('u002', hfs);
      await homes.logout('u002', homes.seat(hfs, 2));
    }
    expect(await homes.row('u002')).to.include({ hfs: 0, epoch: 3 });
    await Promise.all([0, 1].map((hfs) => eventually(async () => homes.processes(hfs, 'u002').length, (left) => left === 0, 25_000))); // prettier-ignore
    const textOf = (hfs: number, epoch: number): string =>
      readFileSync(homes.image(hfs, 'u002', epoch)).subarray(PLACE, PLACE + 8).toString('latin1'); // prettier-ignore
    // What was written while the home moved away is in its old image too.
    const before = [textOf(1, 2), textOf(0, 3)];
    expect(before[1]).to.equal('epoch 3 ');
    await (await homes.test.store()).knex('homes').where({ login: 'u002' }).update(old);
    for (const hfs of [1, 0, 1]) {
      await read(await homes.enter('u002', hfs, 2));
      await settled('u002', hfs);
      await homes.logout('u002', homes.seat(hfs, 2));
    }
    await new Promise((resolve) => setTimeout(resolve, 4_000)); // as long as a server takes to look at its disk
    expect([textOf(1, 2), textOf(0, 3)]).to.deep.equal(before);
  });

  it('acknowledge nothing on the old server while hfsdb may be recording the new one', async () => {
    await write(await homes.enter('u003', 0, 3), 'u003');
    await homes.logout('u003', homes.seat(0, 3));
    await homes.login('u003', homes.seat(1, 3));
    const { pid } = homes.daemons.get('hfs@0')!.child;
    const client = await connectNbd(await homes.getHfs(1, 'u003'));
    process.kill(pid!, 'SIGSTOP'); // it gives its word late
    let counter;
    try {
      counter = count(client);
      const home = () => homes.served(1).then((all) => all.find(({ login }) => login === 'u003'));
      const held = await eventually(home, (one) => one?.progress === 1 || one?.state === 'served');
      expect(held).to.include({ state: 'moving' });
      const control = homes.site.secret('hfs.control');
      void createRpcClient(hfsUrl(homes.site.config, 1), control, 40_000).call('settle', { login: 'u003' });
      await counter.ended;
    } finally {
      process.kill(pid!, 'SIGCONT');
    }
    expect(counter.acknowledged()).to.be.above(0);
    const row = await eventually(() => homes.row('u003'), (one) => one?.state === 'here', 25_000); // prettier-ignore
    const found = readFileSync(homes.image(row!.hfs, 'u003', row!.epoch)).readUInt32BE(PLACE);
    expect(found).to.be.at.least(counter.acknowledged());
  });
});
