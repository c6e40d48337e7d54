import { rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { runOk } from '../../src/lib/exec.ts';
import { hfsUrl } from '../../src/lib/site/site.ts';
import { homesPackages, type HomesSite, HttpRefusal, makeHomesSite } from '../support/homes.ts';
import { connectNbd, type NbdAddress, type NbdClient } from '../support/nbd-client.ts';
import { eventually } from '../support/lab.ts';
import { needs } from '../support/needs.ts';
import { rejection } from '../support/rejection.ts';

const MiB = 1024 ** 2;
const BLOCK = 4096;
/** Behind the first tables of the file system, which a person's writes would not touch either. */
const PLACE = 40 * MiB;

describe('a home file server', function () {
  this.timeout(60_000);
  let homes: HomesSite;
  before(async function () {
    needs(this, homesPackages);
    homes = await makeHomesSite({
      users: 12,
      seats: 12,
      sizeBytes: 160 * MiB,
      hfs: { moveBytesPerSecond: 20_000_000 },
    });
  });
  after(() => homes?.close());

  async function write(at: NbdAddress, text: string): Promise<void> {
    const client = await connectNbd(at);
    await client.write(PLACE, Buffer.alloc(BLOCK, text));
    await client.flush();
    await client.close();
  }
  async function read(at: NbdAddress): Promise<string> {
    const client = await connectNbd(at);
    const block = await client.read(PLACE, BLOCK);
    await client.close();
    return block.toString('latin1').slice(0, 8);
  }
  /** Some MiB, each with its number. */
  async function fill(client: NbdClient, from: number, to: number): Promise<void> {
    for (let n = from; n < to; n++) await client.write(n * MiB, Buffer.alloc(MiB, `${n} `));
    await client.flush();
  }
  const refusal = async (promise: Promise<unknown>): Promise<string> => {
    const error = await rejection(promise);
    expect(error).to.be.instanceOf(HttpRefusal);
    return `${(error as HttpRefusal).status} ${error.message.trim()}`;
  };
  const settled = (login: string) =>
    eventually(
      () => homes.row(login),
      (row) => row?.state === 'here',
      25_000,
    );

  it('makes a home at the first login, and serves it under a name that cannot be guessed', async () => {
    const at = await homes.enter('u001', 0, 1);
    expect(at.export).to.match(/^[0-9a-f]{32}$/);
    await write(at, 'first');
    expect(await homes.row('u001')).to.include({ hfs: 0, epoch: 1, state: 'here' });
    await rejection(connectNbd({ ...at, export: 'u001' }));
    const again = await homes.getHfs(0, 'u001');
    expect(again.export).not.to.equal(at.export);
    expect(await read(again)).to.equal('firstfir');
  });

  it('gives the same file at a seat of another server, where it moves while it is served', async () => {
    await write(await homes.enter('u002', 0, 2), 'moved');
    await homes.logout('u002', homes.seat(0, 2));
    const at = await homes.enter('u002', 1, 1);
    expect(await read(at)).to.equal('movedmov');
    expect(await settled('u002')).to.include({ hfs: 1, epoch: 2 });
    expect(await read(at), 'the client’s own connection goes on').to.equal('movedmov');
    const [kept] = (await homes.served(0)).filter(({ login }) => login === 'u002');
    expect(kept, 'the source keeps its copy, unserved').to.include({ epoch: 1, state: 'stored' });
  });

  it('cuts off the seat before, when another takes over', async () => {
    const first = await homes.enter('u003', 0, 3);
    const client = await connectNbd(first);
    await homes.logout('u003', homes.seat(0, 3));
    const second = await homes.enter('u003', 1, 2);
    await rejection(client.write(PLACE, Buffer.alloc(BLOCK)).then(() => client.flush()));
    expect((await read(second)).length).to.equal(8);
  });

  it('lets one client in at a time', async () => {
    const at = await homes.enter('u004', 0, 2);
    const client = await connectNbd(at);
    const second = connectNbd(at).then(() => 'in');
    const race = Promise.race([second, new Promise((resolve) => setTimeout(() => resolve('waits'), 300))]);
    expect(await race).to.equal('waits');
    await client.close();
    expect(await second).to.equal('in');
  });

  it('refuses in a sentence: nobody there, nobody known, another server’s number', async () => {
    expect(await refusal(homes.getHfs(0, 'u005'))).to.match(/^403 nobody is logged on as u005/);
    expect(await refusal(homes.getHfs(0, 'nobody'))).to.match(/^404 user nobody: not in UDB/);
    expect(await refusal(homes.getHfs(0, '../etc'))).to.match(/^400 get_hfs: \/user/);
    const url = `${hfsUrl(homes.site.config, 0)}/get_hfs`;
    const unsigned = await fetch(url, { method: 'POST', body: new URLSearchParams({ data: '{}' }) });
    expect(unsigned.status, 'the home server checked no signature').to.equal(403);
  });

  it('ends what nobody sits at any more', async () => {
    await homes.enter('u006', 0, 6);
    await homes.logout('u006', homes.seat(0, 6));
    const left = await eventually(
      async () => homes.processes(0, 'u006'),
      (found) => found.length === 0,
      25_000,
    );
    expect(left).to.deep.equal([]);
  });

  it('keeps a damaged home aside, and says whom to ask', async () => {
    const row = (await homes.row('u006'))!;
    const seat = homes.seat(0, 6);
    truncateSync(homes.image(row.hfs, 'u006', row.epoch), 0);
    await homes.login('u006', seat);
    const text = await refusal(homes.getHfs(row.hfs, 'u006'));
    expect(text).to.match(/^500 the home of u006 is damaged and was kept aside on hfs \d\nask an organiser/);
    expect(await refusal(homes.getHfs(row.hfs, 'u006'))).to.equal(text);
  });

  it('makes no home without a skeleton', async () => {
    const skeleton = join(homes.test.dir, 'skeleton');
    await runOk(['mv', skeleton, `${skeleton}.away`]);
    try {
      const text = await refusal(homes.enter('u007', 1, 7));
      expect(text).to.match(/^500 skeleton .* no such folder on this server\nput there/);
    } finally {
      await runOk(['mv', `${skeleton}.away`, skeleton]);
    }
    await homes.getHfs(1, 'u007');
  });

  describe('restarting the home server', () => {
    it('closes no open home', async () => {
      const at = await homes.enter('u008', 0, 8);
      const client = await connectNbd(at);
      await client.write(PLACE, Buffer.alloc(BLOCK, 'before'));
      await homes.kill('hfs@0');
      await client.write(PLACE, Buffer.alloc(BLOCK, 'between'));
      await client.flush();
      await homes.start('hfs@0');
      await client.write(PLACE + BLOCK, Buffer.alloc(BLOCK, 'after'));
      await client.flush();
      expect((await client.read(PLACE, BLOCK)).toString('latin1').slice(0, 7)).to.equal('between');
      const [home] = (await homes.served(0)).filter(({ login }) => login === 'u008');
      expect(home).to.include({ state: 'served', client: '127.0.0.1' });
      await client.close();
    });

    it('serves no image twice', async () => {
      const at = await homes.getHfs(0, 'u008');
      expect(homes.processes(0, 'u008').filter(({ program }) => program === 'storage')).to.have.length(1);
      await homes.kill('hfs@0');
      await homes.start('hfs@0');
      expect(homes.processes(0, 'u008').filter(({ program }) => program === 'storage')).to.have.length(1);
      const client = await connectNbd(at);
      await client.close();
    });
  });

  it('goes on with nothing that it acknowledged before a power loss', async () => {
    const at = await homes.enter('u009', 0, 9);
    await homes.kill('hfs@0');
    for (const { pid } of homes.processes(0, 'u009')) process.kill(pid, 'SIGKILL');
    const bootId = join(homes.test.dir, 'boot-id');
    await runOk(['dd', `of=${bootId}`, 'status=none'], { input: 'another boot\n' });
    process.env.PROLO_BOOT_ID = bootId;
    try {
      await homes.start('hfs@0');
    } finally {
      delete process.env.PROLO_BOOT_ID;
    }
    await rejection(connectNbd(at));
    await read(await homes.getHfs(0, 'u009'));
    await homes.kill('hfs@0');
    for (const { pid } of homes.processes(0, 'u009')) process.kill(pid, 'SIGKILL');
    rmSync(bootId);
    await homes.start('hfs@0');
  });

  it('a move harms no source before its copy is known to be good', async () => {
    await write(await homes.enter('u010', 0, 10), 'kept');
    await homes.logout('u010', homes.seat(0, 10));
    await homes.kill('hfs@1');
    await homes.start('hfs@1');
    const at = await homes.enter('u010', 1, 10);
    for (const { pid } of homes.processes(1, 'u010')) process.kill(pid, 'SIGKILL');
    await rejection(connectNbd(at));
    const row = await settled('u010');
    const again = await homes.getHfs(1, 'u010');
    expect(await read(again)).to.equal('keptkept');
    expect((await homes.row('u010'))!.last_epoch).to.be.at.least(row!.last_epoch);
  });

  describe('a full disk', () => {
    before(async () => {
      await homes.kill('hfs@1');
      await runOk(['mount', '-t', 'tmpfs', '-o', 'size=125m', 'tmpfs', homes.site.statePath('hfs/1')]);
      await homes.start('hfs@1');
    });
    after(async () => {
      await homes.kill('hfs@1');
      for (const login of ['u011', 'u012'])
        for (const { pid } of homes.processes(1, login)) process.kill(pid, 'SIGKILL');
      await runOk(['umount', '-l', homes.site.statePath('hfs/1')]);
    });

    it('of the new server is seen before a move, for the real size', async () => {
      const at = await homes.enter('u011', 0, 11);
      const client = await connectNbd(at);
      await fill(client, 0, 80);
      await client.close();
      await homes.logout('u011', homes.seat(0, 11));
      await homes.login('u011', homes.seat(1, 11));
      const text = await refusal(homes.getHfs(1, 'u011'));
      expect(text).to.match(/^507 the home of u011: \d+ MiB are needed in .*, \d+ MiB are free\n/);
      expect(await homes.row('u011')).to.include({ hfs: 0, state: 'here' });
    });

    it('of the new server in the middle of a move leaves the person at work, on the old one', async () => {
      const before = await connectNbd(await homes.enter('u012', 0, 12));
      await fill(before, 0, 50);
      await before.close();
      await homes.logout('u012', homes.seat(0, 12));
      await homes.login('u012', homes.seat(1, 12));
      const client = await connectNbd(await homes.getHfs(1, 'u012'));
      expect(await homes.row('u012')).to.include({ state: 'moving', target: 1 });
      // What was there before is still on its way.
      await fill(client, 60, 150);
      expect((await client.read(149 * MiB, BLOCK)).toString('latin1').slice(0, 4)).to.equal('149 ');
      await eventually(
        async () => (await homes.served(1)).find(({ login }) => login === 'u012')?.progress,
        (progress) => progress === undefined,
      );
      expect((await client.read(149 * MiB, BLOCK)).toString('latin1').slice(0, 4)).to.equal('149 ');
      await client.close();
      expect(await homes.row('u012'), 'it stays where it is whole').to.include({ hfs: 0, target: 1 });
      await homes.logout('u012', homes.seat(1, 12));
      expect(await settled('u012')).to.include({ hfs: 0, epoch: 1 });
    });
  });
});
