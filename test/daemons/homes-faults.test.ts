import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type HomesSite, homesPackages, makeHomesSite } from '../support/homes.ts';
import { eventually } from '../support/lab.ts';
import { connectNbd, type NbdAddress } from '../support/nbd-client.ts';
import { needs } from '../support/needs.ts';
import { rejection } from '../support/rejection.ts';

const MiB = 1024 ** 2;
const BLOCK = 4096;
const PLACE = 40 * MiB;

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
    const login = `u${String(n).padStart(3, '0')}`;
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
