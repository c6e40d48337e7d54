import { existsSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect } from 'chai';
import type { HomesList } from '../../src/lib/hfs/db/operate.ts';
import { createRpcClient } from '../../src/lib/rpc/client.ts';
import { hfsUrl } from '../../src/lib/site/site.ts';
import { prolo } from '../support/cli.ts';
import { type HomesSite, homesPackages, makeHomesSite } from '../support/homes.ts';
import { givenHome, setContest } from '../support/homes-swap.ts';
import { connectNbd } from '../support/nbd-client.ts';
import { needs } from '../support/needs.ts';

const OFFSET = 20 * 1024 ** 2;

describe('prolo hfs with --set, and hfs choose', function () {
  this.timeout(120_000);
  let homes: HomesSite;
  const cli = (...args: string[]) => prolo(['hfs', ...args], { config: homes.site.file });
  const images = (hfs: number): string[] => readdirSync(dirname(homes.image(hfs, 'x', 1))).sort();

  /** One byte at home, and what was there before. */
  async function visit(login: string, hfs: number, n: number, byte?: number): Promise<number> {
    const client = await connectNbd(await homes.enter(login, hfs, n));
    const [found] = await client.read(OFFSET, 4096);
    if (byte !== undefined) await client.write(OFFSET, Buffer.alloc(4096, byte));
    await client.flush();
    await client.close();
    return found!;
  }
  const logOut = (login: string, hfs: number, n: number): Promise<void> =>
    homes.logout(login, homes.seat(hfs, n));

  const stop = (login: string, hfs: number): Promise<unknown> =>
    createRpcClient(hfsUrl(homes.site.config, hfs), homes.site.secret('hfs.control'), 10_000).call('stop', { login }); // prettier-ignore

  before(async function () {
    needs(this, { ...homesPackages, restic: 'restic', 'qemu-img': 'qemu-utils', setpriv: 'util-linux' });
    homes = await makeHomesSite({
      ...{ users: 2, seats: 2, sizeBytes: 32 * 1024 ** 2 },
      hfs: { backup: { repository: 'backups', bytesPerSecond: 0 } },
    });
    await visit('u001', 0, 1, 1);
    await visit('u002', 0, 2, 2);
    for (const n of [1, 2]) await logOut(`u00${n}`, 0, n);
    await setContest(homes, 'start');
    await visit('u001', 0, 1, 11);
  });
  after(() => homes?.close());

  it('list shows both, and who works in which; or those of one set', async () => {
    const { stdout } = await cli('list');
    expect(stdout)
      .to.match(/^u001 +0 .* - +-? +/m)
      .and.match(/^u001@contest +0 .* served +seat0-1 /m)
      .and.match(/^u002 +0 /m);
    const one = JSON.parse((await cli('list', '--set', 'contest', '--json')).stdout) as HomesList;
    expect(one.homes.map(({ login }) => login)).to.deep.equal(['u001@contest']);
    expect((await cli('list', '--set', 'A b')).status).to.equal(2);
  });

  it('the home that its owner does not work in can be moved and resized, the other not', async () => {
    expect((await cli('move', 'u001', '1')).stdout).to.equal('u001: at hfs 1\n');
    expect(await homes.row('u001')).to.include({ hfs: 1, epoch: 3 });
    for (const words of [
      ['move', 'u001', '1', '--set', 'contest'],
      ['resize', 'u001@contest', '64M'],
    ])
      // prettier-ignore
      expect((await cli(...words)).stderr).to.include('home u001@contest: logged on at seat0-1');
    await stop('u001', 1);
    expect((await cli('resize', 'u001', '48M')).stderr).to.equal('');
    expect(Number((await homes.row('u001@contest'))!.size_bytes)).to.equal(32 * 1024 ** 2);
  });

  it('a backup and a restore of one leave the other alone', async () => {
    await logOut('u001', 0, 1);
    const nobody = await cli('backup', '--set', 'contest');
    expect(nobody.status).to.equal(2);
    expect(nobody.stderr).to.include('of those who are named');
    const stored = await cli('backup', 'u001', '--set', 'contest');
    expect(stored.stderr + stored.stdout).to.match(/^u001@contest {2}[0-9a-f]{8} /);
    await visit('u001', 0, 1, 12);
    await logOut('u001', 0, 1);
    expect((await cli('restore', 'u001', '--list')).stdout).not.to.include('backup');
    expect((await cli('restore', 'u001', '--set', 'contest', '--list')).stdout).to.include('backup');
    const restored = await cli('restore', 'u001@contest', '--yes');
    expect(restored.stderr + restored.stdout).to.match(/^u001@contest: snapshot .* hfs 0, epoch 4\n$/);
    expect(await visit('u001', 0, 1)).to.equal(11);
    expect(await homes.row('u001')).to.include({ hfs: 1, epoch: 3 });
  });

  it('choose gives back the one of before during the contest, from the next login on', async () => {
    expect((await cli('choose', 'u001', 'usual')).stdout).to.include(
      'the home of the set usual from the next login',
    );
    await homes.getHfs(0, 'u001');
    expect(await givenHome(homes, 'u001')).to.equal('u001@contest');
    await logOut('u001', 0, 1);
    expect(await visit('u001', 1, 1)).to.equal(1);
    expect((await cli('choose', 'u001', '--clear')).stdout).to.include('what the contest says');
    await logOut('u001', 1, 1);
    expect(await visit('u001', 0, 1)).to.equal(11);
    await logOut('u001', 0, 1);
    expect((await cli('choose', 'u002', 'contest')).stderr).to.include('has none of that set yet');
    expect((await cli('choose', 'u002', '--clear')).status).to.equal(0);
    const slip = await cli('choose', 'u002', 'contst');
    expect(slip.status).to.equal(4);
    expect(slip.stderr).to.equal(
      'prolo: set contst: nobody has a home of it, and no contest gives one\n       those that there are: usual, contest\n',
    );
    for (const words of [['u001'], ['u001', 'usual', '--clear'], ['u001', '../x']])
      expect((await cli('choose', ...words)).status, words.join(' ')).to.equal(2);
    expect((await cli('choose', 'u001@contest', 'usual')).stderr).to.include('names a home, not whose');
    expect((await cli('choose', 'nobody', 'usual')).stderr).to.include('user nobody: not in UDB');
  });

  it('reset --all concerns one set: the usual one, unless another is named', async () => {
    const dry = (await cli('reset', '--all', '--dry-run')).stdout;
    expect(dry.trim().split('\n').map((line) => line.split(':')[0])).to.deep.equal(['u001', 'u002']); // prettier-ignore
    expect((await cli('reset', '--all', '--set', 'final', '--yes')).stdout).to.equal('there are no homes of the set final\n'); // prettier-ignore
    const done = await cli('reset', '--all', '--set', 'contest', '--purge', '--yes');
    expect([done.status, done.stdout]).to.deep.equal([0, 'u001@contest: reset\n']);
    expect(images(0).filter((name) => name.includes('@contest') && name.endsWith('.img'))).to.deep.equal([]);
    expect(existsSync(homes.image(1, 'u001', 3))).to.equal(true);
    expect(await visit('u001', 0, 1)).to.equal(0);
    await logOut('u001', 0, 1);
    await setContest(homes, 'stop');
    expect(await visit('u001', 1, 1)).to.equal(1);
    await logOut('u001', 1, 1);
    expect((await cli('doctor')).stderr).to.equal('');
  });
});
