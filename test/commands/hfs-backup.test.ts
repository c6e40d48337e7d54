import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { prolo } from '../support/cli.ts';
import { type HomesSite, homesPackages, makeHomesSite } from '../support/homes.ts';
import { connectNbd } from '../support/nbd-client.ts';
import { needs } from '../support/needs.ts';

const OFFSET = 40 * 1024 * 1024;

describe('prolo hfs backup, restore, evacuate', function () {
  this.timeout(120_000);
  let homes: HomesSite;
  const cli = (...args: string[]) => prolo(args, { config: homes.site.file });
  const json = async <T>(...args: string[]): Promise<T> => {
    const { status, stdout, stderr } = await cli(...args, '--json');
    if (status !== 0) throw new Error(stdout + stderr);
    return JSON.parse(stdout) as T;
  };
  const wait = async (): Promise<string> => {
    // Backups are told apart by the second.
    const until = Math.ceil(Date.now() / 1000) * 1000 + 1;
    while (Date.now() < until) await new Promise((resolve) => setTimeout(resolve, until - Date.now()));
    return new Date(until).toISOString();
  };

  /** A login that leaves one byte at home, and goes. */
  async function leave(login: string, hfs: number, n: number, byte: number): Promise<void> {
    const client = await connectNbd(await homes.enter(login, hfs, n));
    await client.write(OFFSET, Buffer.alloc(4096, byte));
    await client.flush();
    await client.close();
    await homes.logout(login, homes.seat(hfs, n));
  }
  /** A login that looks for it. */
  async function look(login: string, hfs: number, n: number): Promise<number> {
    const client = await connectNbd(await homes.enter(login, hfs, n));
    const [byte] = await client.read(OFFSET, 4096);
    await client.close();
    await homes.logout(login, homes.seat(hfs, n));
    return byte!;
  }

  before(async function () {
    needs(this, { ...homesPackages, restic: 'restic', 'qemu-img': 'qemu-utils', setpriv: 'util-linux' });
    if (!existsSync('/dev/fuse')) this.skip();
    homes = await makeHomesSite({
      users: 6,
      seats: 6,
      sizeBytes: 64 * 1024 * 1024,
      hfs: { backup: { repository: 'backups', bytesPerSecond: 0 } },
    });
  });
  after(() => homes?.close());

  it('the first backup of two servers at once makes one repository, which both can read', async () => {
    await leave('u003', 0, 3, 3);
    await leave('u005', 1, 5, 5);
    const { status, stdout, stderr } = await cli('hfs', 'backup');
    expect([status, stderr]).to.deep.equal([0, '']);
    expect(stdout)
      .to.match(/^u003 /m)
      .and.match(/^u005 /m);
    expect(readdirSync(join(homes.test.dir, 'backups/keys'))).to.have.length(1);
    const none = await cli('hfs', 'restore', 'u001', '--list');
    expect(none.stderr).to.match(/^u001: no backup, and no old image/);
  });

  it('a home goes back to what it was at a time, and what it was since is kept', async () => {
    await leave('u001', 0, 1, 1);
    expect((await cli('hfs', 'backup', 'u001')).stdout).to.match(/^u001 {2}[0-9a-f]{8} /);
    const between = await wait();
    await leave('u001', 0, 1, 2);
    expect((await cli('hfs', 'backup')).stdout).to.match(/^u001 /);
    expect((await cli('hfs', 'backup')).stdout).to.equal('no home has changed\n');

    const listed = await json<{ snapshots: { id: string }[]; kept: unknown[] }>(
      'hfs',
      'restore',
      'u001',
      '--list',
    );
    expect(listed.snapshots).to.have.length(2);
    expect(listed.kept).to.deep.equal([]);

    const asked = await cli('hfs', 'restore', 'u001');
    expect([asked.status, asked.stderr]).to.deep.equal([
      2,
      'prolo: home u001: make its last backup the home? nobody is at the terminal to ask\n       say --yes, or look first with --list\n',
    ]);
    const done = await cli('hfs', 'restore', 'u001', '--at', between, '--yes');
    expect(done.stderr + done.stdout).to.match(/^u001: snapshot .* is the home now: hfs 0, epoch 2\n$/);
    expect(await look('u001', 0, 1)).to.equal(1);
    await json('hfs', 'restore', 'u001', '--from', '0:1', '--yes');
    expect(await look('u001', 0, 1)).to.equal(2);
    await json('hfs', 'restore', 'u001', '--from', listed.snapshots[0]!.id, '--to', '1', '--yes');
    expect(await homes.row('u001')).to.include({ hfs: 1, epoch: 4, last_epoch: 4, state: 'here' });
    expect(await look('u001', 1, 1)).to.equal(1);
  });

  it('is refused while the person is logged on, for a home without a backup, and for words that are none', async () => {
    await homes.enter('u002', 0, 2);
    const on = await cli('hfs', 'restore', 'u002', '--yes');
    expect(on.status).to.equal(5);
    expect(on.stderr).to.match(/home u002: logged on at seat0-2\n {7}log them out first/);
    await homes.logout('u002', homes.seat(0, 2));
    expect((await cli('hfs', 'restore', 'u002', '--yes')).stderr).to.match(/home u002: no backup/);
    expect((await cli('hfs', 'restore', 'u002', '--at', 'noon', '--yes')).status).to.equal(2);
    expect((await cli('hfs', 'restore', 'u002', '--from', '0:99', '--yes')).stderr).to.match(
      /no image of epoch 99/,
    );
    expect(await homes.row('u002')).to.include({ hfs: 0, epoch: 1, state: 'here' });
    expect(readdirSync(homes.site.statePath('hfs/0')).filter((name) => name.startsWith('.'))).to.deep.equal(
      [],
    );
    expect((await cli('hfs', 'backup', 'nobody')).stderr).to.match(/home nobody: there is none/);
  });

  it('a server is dead: its homes are served by the other, and when it is back it serves none of them', async () => {
    await leave('u003', 0, 3, 3);
    await leave('u004', 0, 4, 4);
    await leave('u005', 1, 5, 5);
    await json('hfs', 'backup');
    await leave('u006', 0, 6, 6);
    const alive = await cli('hfs', 'evacuate', '0', '--yes');
    expect([alive.status, alive.stderr]).to.satisfy(
      ([status, text]: [number, string]) => status === 5 && /hfs 0: it answers/.test(text),
    );
    await homes.kill('hfs@0');
    const dry = await cli('hfs', 'evacuate', '0', '--dry-run');
    expect(dry.stdout).to.match(/u003 +hfs 1 +backup/);
    expect(dry.stdout).to.match(/u006 +- +no backup/);
    expect(await homes.row('u003')).to.include({ hfs: 0 });
    const done = await cli('hfs', 'evacuate', '0', '--yes');
    expect(done.status).to.equal(1); // one is lost
    expect(done.stdout).to.match(/u003 {2}hfs 1 {2}snapshot /);
    for (const [login, byte] of [
      ['u003', 3],
      ['u004', 4],
      ['u005', 5],
    ] as const)
      // prettier-ignore
      expect(await look(login, 1, 3)).to.equal(byte);
    expect(await homes.row('u006')).to.include({ hfs: 0, epoch: 1 });
    const again = await json<{ restored: string[] }>('hfs', 'evacuate', '0', '--yes').catch(
      (error: Error) => error,
    );
    expect(String(again)).not.to.match(/u003/);

    await homes.start('hfs@0');
    expect(await look('u003', 0, 3)).to.equal(3); // moved back here, from its new owner
    expect(await homes.row('u003')).to.include({ hfs: 0 });
    expect(await look('u006', 0, 6)).to.equal(6);
  });

  it('a home whose server is dead is restored by the operator’s word alone', async () => {
    await leave('u005', 1, 5, 50);
    await json('hfs', 'backup', 'u005');
    await homes.kill('hfs@1');
    const refused = await cli('hfs', 'restore', 'u005', '--to', '0', '--yes');
    expect(refused.status).to.equal(8);
    expect(refused.stderr).to.match(/hfs 1: does not answer/);
    const epoch = (await homes.row('u005'))!.last_epoch;
    await json('hfs', 'restore', 'u005', '--to', '0', '--force', '--yes');
    expect(await homes.row('u005')).to.include({ hfs: 0, epoch: epoch + 1 });
    expect(await look('u005', 0, 5)).to.equal(50);
    await homes.start('hfs@1');
  });

  it('old images go when their time is over, and before that all but the newest', async () => {
    const images = (): string[] =>
      readdirSync(homes.site.statePath('hfs/0')).filter((name) => name.startsWith('u001.'));
    const newest = (await homes.row('u001'))!;
    expect(images()).to.include('u001.1.img').and.include('u001.2.img');
    await json('hfs', 'backup', '--retain');
    expect(images().filter((name) => name.endsWith('.img'))).to.deep.equal(['u001.3.img']);
    expect(existsSync(homes.image(newest.hfs, 'u001', newest.epoch))).to.equal(true);
  });

  it('a backup that was cut short is passed over for the one before', async () => {
    const tags = ['prolo-home', 'hfs=0', 'epoch=1', 'bytes=999999'].flatMap((tag) => ['--tag', tag]);
    execFileSync(
      'restic',
      ['backup', '-q', '--stdin', '--stdin-filename', 'u004.tar', '--host', 'u004', ...tags],
      {
        input: 'only the beginning',
        stdio: ['pipe', 'ignore', 'inherit'],
        env: {
          ...process.env,
          RESTIC_REPOSITORY: `${homes.test.dir}/backups`,
          RESTIC_PASSWORD: homes.site.secret('hfs.backup'),
          RESTIC_CACHE_DIR: `${homes.test.dir}/cache`,
        },
      },
    );
    const { snapshots } = await json<{ snapshots: { id: string }[] }>('hfs', 'restore', 'u004', '--list');
    const short = snapshots.at(-1)!.id;
    const refused = await cli('hfs', 'restore', 'u004', '--from', short, '--yes');
    expect(refused.stderr).to.match(/its storing was cut short/);
    const done = await json<{ from: string }>('hfs', 'restore', 'u004', '--yes');
    expect(done.from).to.equal(`snapshot ${snapshots.at(-2)!.id}`);
    expect(await look('u004', 0, 4)).to.equal(4);
  });

  it('old backups are forgotten, and the last of each home is there', async () => {
    await json('hfs', 'backup', '--forget');
    expect((await cli('hfs', 'restore', 'u005', '--list')).stdout).to.match(/^[0-9a-f]{8} .* backup /m);
  });
});
