import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { HomesList } from '../../src/lib/hfs/db/operate.ts';
import { createRpcClient } from '../../src/lib/rpc/client.ts';
import { hfsUrl } from '../../src/lib/site/site.ts';
import { prolo } from '../support/cli.ts';
import { type HomesSite, homesPackages, makeHomesSite } from '../support/homes.ts';
import { connectNbd, type NbdAddress } from '../support/nbd-client.ts';
import { needs } from '../support/needs.ts';

const MIB = 1024 ** 2;
const OFFSET = 20 * MIB;

describe('prolo hfs list, move, resize, reset, doctor', function () {
  this.timeout(60_000);
  let homes: HomesSite;
  const cli = (...args: string[]) => prolo(['hfs', ...args], { config: homes.site.file });
  const imagesOf = (hfs: number, login: string): string[] =>
    readdirSync(dirname(homes.image(hfs, login, 1)))
      .filter((name) => name.startsWith(`${login}.`))
      .sort();

  before(async function () {
    needs(this, { ...homesPackages, resize2fs: 'e2fsprogs', debugfs: 'e2fsprogs' });
    homes = await makeHomesSite({
      users: 10,
      seats: 10,
      sizeBytes: 64 * MIB,
      hfs: { moveBytesPerSecond: 20_000_000 },
    });
  });
  after(() => homes?.close());

  const write = async (address: NbdAddress, data: Buffer): Promise<void> => {
    const client = await connectNbd(address);
    await client.write(OFFSET, data);
    await client.flush();
    await client.close();
  };
  const logOut = async (login: string, hfs: number, n: number): Promise<void> => {
    await homes.logout(login, homes.seat(hfs, n));
    const control = homes.site.secret('hfs.control');
    await createRpcClient(hfsUrl(homes.site.config, hfs), control, 10_000).call('stop', { login });
  };
  /** The nth person was at home at a seat of HFS 0, and is gone. */
  const leave = async (login: string, n: number, data: Buffer = Buffer.alloc(4096, n)): Promise<void> => {
    await write(await homes.enter(login, 0, n), data);
    await logOut(login, 0, n);
  };
  const readHome = async (login: string, hfs: number, n: number, length: number): Promise<Buffer> => {
    const client = await connectNbd(await homes.enter(login, hfs, n));
    const data = await client.read(OFFSET, length);
    await client.close();
    await logOut(login, hfs, n);
    return data;
  };

  const untilNothingRuns = async (hfs: number, login: string): Promise<void> => {
    const deadline = Date.now() + 10_000;
    while (homes.processes(hfs, login).length > 0 && Date.now() < deadline) await sleep(50);
    expect(homes.processes(hfs, login)).to.deep.equal([]);
  };

  describe('list', () => {
    it('says where each home is and who uses it; as JSON, all that is known', async () => {
      await leave('u001', 1);
      const client = await connectNbd(await homes.enter('u002', 1, 2));
      const { status, stdout, stderr } = await cli('list');
      const listed = JSON.parse((await cli('list', '--json')).stdout) as HomesList;
      await client.close();
      expect([status, stderr]).to.deep.equal([0, '']);
      const [head, ...lines] = stdout.trimEnd().split('\n');
      expect(head).to.match(/^LOGIN +HFS +USED +SIZE +STATE +SEAT +CLIENT +WRITTEN$/);
      expect(lines).to.have.length(2);
      expect(lines[0]).to.match(/^u001 +0 +[\d.]+[KM] +64M +stored +- +- +\d+ s$/);
      expect(lines[1]).to.match(/^u002 +1 +[\d.]+[KM] +64M +served +seat1-2 +127\.0\.0\.1 +\d+ s$/);
      expect(listed.homes.map(({ login, hfs, epoch, seat }) => [login, hfs, epoch, seat?.hostname])).to.deep.equal([['u001', 0, 1, undefined], ['u002', 1, 1, 'seat1-2']]); // prettier-ignore
      expect(listed.servers[1]).to.deep.include({ hfs: 1, error: null });
      await logOut('u002', 1, 2);
    });

    it('says which server does not answer, and what it knows without it', async () => {
      await homes.kill('hfs@1');
      const { status, stdout, stderr } = await cli('list');
      expect([status, stderr]).to.deep.equal([0, 'hfs 1: does not answer\n']);
      expect(stdout)
        .to.match(/^u001 +0 .*stored/m)
        .and.to.match(/^u002 +1 +- +64M +server is silent/m);
      await homes.start('hfs@1');
    });

    it('says that hfsdb does not run', async () => {
      await homes.end('hfsdb');
      const { status, stderr } = await cli('list');
      await homes.start('hfsdb');
      expect(status).to.equal(8);
      expect(stderr).to.match(/^prolo: .*\/call\/list/);
    });
  });

  describe('move', () => {
    it('shows how far it is; what was written is there, and nothing runs for it any more', async () => {
      const data = randomBytes(24 * MIB);
      await leave('u003', 3, data);
      const { status, stdout, stderr } = await cli('move', 'u003', '1');
      expect([status, stdout]).to.deep.equal([0, 'u003: at hfs 1\n']);
      expect(stderr).to.match(/^\d+ %\n/);
      expect(await homes.row('u003')).to.include({ hfs: 1, epoch: 2, state: 'here' });
      await untilNothingRuns(0, 'u003');
      expect((await readHome('u003', 1, 3, data.length)).equals(data)).to.equal(true);
      await untilNothingRuns(1, 'u003');
      const again = await cli('move', 'u003', '1');
      expect([again.status, again.stdout]).to.deep.equal([0, 'u003: at hfs 1\n']);
    });

    it('is refused while its owner is logged on, and for what is not there', async () => {
      await homes.enter('u001', 0, 1);
      const before = await homes.row('u001');
      expect(await cli('move', 'u001', '1')).to.deep.equal({
        status: 5,
        stdout: '',
        stderr:
          'prolo: home u001: logged on at seat0-1\n       log them out first: `prolo presence logout u001`\n',
      });
      for (const [words, status, said] of [
        [['nobody', '1'], 4, /user nobody: not in UDB/],
        [['u009', '1'], 4, /home u009: there is none/],
        [['u003', '9'], 8, /hfs 9: does not answer/],
        [['u003', 'x'], 2, /integer/i],
        [['u003', '-1'], 2, /./],
        [['u003'], 2, /server/],
        [['../u003', '0'], 2, /./],
      ] as const) {
        const answer = await cli('move', ...words);
        expect(answer.status, words.join(' ')).to.equal(status);
        expect(answer.stderr, words.join(' ')).to.match(said);
      }
      expect(await homes.row('u001')).to.deep.equal(before);
      expect(await homes.row('u003')).to.include({ hfs: 1, state: 'here' });
      expect(await homes.row('u009')).to.equal(undefined);
      await logOut('u001', 0, 1);
    });
  });

  describe('resize', () => {
    const size = (login: string): number => statSync(homes.image(0, login, 1)).size;

    it('grows and shrinks a home that nobody uses; what it holds stays', async () => {
      const data = randomBytes(MIB);
      await leave('u004', 4, data);
      for (const [text, bytes] of [['96M', 96 * MIB], ['48M', 48 * MIB]] as const) {
        expect(await cli('resize', 'u004', text)).to.include({ status: 0, stdout: `u004: ${text}\n` });
        expect(size('u004')).to.equal(bytes);
        execFileSync('e2fsck', ['-fn', homes.image(0, 'u004', 1)], { stdio: 'ignore' });
      } // prettier-ignore
      expect((await readHome('u004', 0, 4, data.length)).equals(data)).to.equal(true);
    });

    it('refuses to shrink below what it holds, and nothing has changed', async () => {
      await leave('u005', 5);
      const full = join(homes.test.dir, 'full');
      execFileSync('truncate', ['-s', '30M', full]);
      execFileSync('sh', ['-c', `head -c ${30 * MIB} /dev/urandom > ${full}`]);
      execFileSync('debugfs', ['-w', '-R', `write ${full} full`, homes.image(0, 'u005', 1)], { stdio: 'ignore' }); // prettier-ignore
      const { status, stderr } = await cli('resize', 'u005', '16M');
      expect(status).to.equal(9);
      expect(stderr).to.match(
        /^prolo: home u005: .*\n {7}its size is what it was; does what it holds fit\?\n$/,
      );
      expect(size('u005')).to.equal(64 * MIB);
      expect(Number((await homes.row('u005'))!.size_bytes)).to.equal(64 * MIB);
      execFileSync('e2fsck', ['-fn', homes.image(0, 'u005', 1)], { stdio: 'ignore' });
    });

    it('a quota of 0, and what is no size', async () => {
      for (const text of ['0', '0G', '-1G', '4', 'much', '17T']) {
        const { status, stderr } = await cli('resize', '--', 'u004', text);
        expect([status, stderr], text).to.deep.equal([
          2,
          `prolo: size ${text}: not a size of a home\n       such as 2G or 512M; from 8M to 16T\n`,
        ]);
      }
      expect((await cli('resize', 'nobody', '1G')).status).to.equal(4);
      await homes.enter('u004', 0, 4);
      expect(await cli('resize', 'u004', '96M')).to.include({ status: 5 });
      await logOut('u004', 0, 4);
      expect(size('u004')).to.equal(48 * MIB);
    });

    it('who has no home yet gets the next one in that size', async () => {
      expect((await cli('resize', 'u006', '32M')).status).to.equal(0);
      await leave('u006', 6);
      expect(size('u006')).to.equal(32 * MIB);
    });
  });

  describe('reset', () => {
    it('asks; with --yes the old one is kept under a dated name, and the next login makes another', async () => {
      const asked = await cli('reset', 'u004');
      expect([asked.status, asked.stderr]).to.deep.equal([
        2,
        'prolo: reset 1 home(s): u004? nobody is at the terminal to ask\n       say --yes, or look first with --dry-run\n',
      ]);
      expect(imagesOf(0, 'u004')).to.deep.equal(['u004.1.img']);
      const { status, stdout } = await cli('reset', 'u004', '--yes');
      expect(status).to.equal(0);
      const [, kept = ''] = /^u004: reset; the old one is (\S+)\n$/.exec(stdout) ?? [];
      expect(kept).to.match(/\/u004\.1\.reset-\d{4}-\d\d-\d\dT\d{6}/);
      expect(existsSync(kept)).to.equal(true);
      expect((await cli('list')).stdout).to.match(/^u004 .*not made yet/m);
      expect([...new Set(await readHome('u004', 0, 4, 4096))]).to.deep.equal([0]);
      expect(imagesOf(0, 'u004')).to.have.length(2);
    });

    it('--purge keeps nothing', async () => {
      await cli('move', 'u006', '1');
      expect(await cli('reset', 'u006', '--purge', '--yes')).to.include({
        status: 0,
        stdout: 'u006: reset\n',
      });
      expect(imagesOf(1, 'u006')).to.deep.equal([]);
    });

    it('leaves alone who is logged on, but for --logout', async () => {
      await homes.enter('u005', 0, 5);
      const refused = await cli('reset', 'u005', '--yes');
      expect([refused.status, refused.stderr.split('\n')[0]]).to.deep.equal([5, 'prolo: home u005: logged on at seat0-5']); // prettier-ignore
      expect(await homes.row('u005')).to.include({ state: 'here', epoch: 1 });
      const dry = await cli('reset', 'u005', '--logout', '--dry-run');
      expect(dry.stdout).to.equal('u005: would be logged out of seat0-5, and kept aside\n');
      const done = await cli('reset', 'u005', '--logout', '--yes');
      expect([done.status, done.stderr]).to.deep.equal([0, 'u005: logged out of seat0-5\n']);
      expect(done.stdout).to.match(/^u005: reset; the old one is /);
      expect(homes.processes(0, 'u005')).to.deep.equal([]);
      await homes.login('u005', homes.seat(1, 5));
      await logOut('u005', 1, 5);
    });

    it('--all: a dry run does nothing; one that is in use does not stop the others', async () => {
      await homes.enter('u001', 0, 1);
      const rows = async () => (await homes.test.store()).knex('homes').orderBy('login');
      const before = (await rows()) as object[];
      const dry = await cli('reset', '--all', '--dry-run');
      expect(dry.stdout.split('\n')[0]).to.equal('u001: would be left alone, logged on at seat0-1');
      expect(dry.stdout)
        .to.match(/^u003: would be kept aside$/m)
        .and.not.to.match(/u005|u006/);
      expect(await rows()).to.deep.equal(before);
      const done = await cli('reset', '--all', '--yes');
      expect([done.status, done.stderr]).to.deep.equal([5, 'u001: home u001: logged on at seat0-1\n']);
      expect(done.stdout.match(/^u\d+: reset; /gm)).to.have.length(3); // u002, u003, u004
      await logOut('u001', 0, 1);
    });

    it('what makes no sense', async () => {
      for (const [words, status] of [
        [[], 2],
        [['--all', 'u001'], 2],
        [['nobody', '--yes'], 4],
        [['u001', 'nobody', '--yes'], 4],
      ] as const)
        // prettier-ignore
        expect((await cli('reset', ...words)).status, words.join(' ')).to.equal(status);
      expect(await homes.row('u001')).to.include({ state: 'here', epoch: 1 });
    });
  });

  describe('doctor', () => {
    const doctor = async (...flags: string[]) => {
      const { status, stdout } = await cli('doctor', ...flags);
      return { status, lines: stdout.trimEnd().split('\n').slice(1).map((line) => line.replace(/ +/g, ' ')) }; // prettier-ignore
    };

    it('has nothing to say, or what retain would delete', async () => {
      expect(await cli('doctor')).to.deep.equal({ status: 0, stdout: 'all homes are well\n', stderr: '' });
      await leave('u007', 7);
      for (const hfs of ['1', '0', '1', '0']) expect((await cli('move', 'u007', hfs)).status).to.equal(0);
      const { status, lines } = await doctor();
      expect([status, lines[0]]).to.deep.equal([0, 'LOGIN HFS WHAT']);
      for (const epoch of [1, 2])
        expect(lines).to.include(
          `u007 ${epoch === 2 ? 1 : 0} the old image of epoch ${epoch} is deleted when \`prolo hfs backup --retain\` runs next`,
        );
      expect(imagesOf(0, 'u007')).to.include('u007.1.img');
    });

    it('an image without a row, a row without an image, two servers with the newest epoch', async () => {
      await leave('u008', 8);
      const [stray, twin] = [homes.image(1, 'u010', 2), homes.image(1, 'u001', 1)];
      copyFileSync(homes.image(0, 'u001', 1), stray);
      copyFileSync(homes.image(0, 'u001', 1), twin);
      renameSync(homes.image(0, 'u008', 1), `${homes.test.dir}/u008`);
      const { status, lines } = await doctor();
      renameSync(`${homes.test.dir}/u008`, homes.image(0, 'u008', 1));
      for (const file of [stray, twin]) rmSync(file);
      expect(status).to.equal(1);
      expect(lines).to.include('u010 1 an image of epoch 2, and no such home');
      expect(lines).to.include('u001 1 an image of epoch 1 too: the home is at hfs 0, epoch 1');
      expect(lines).to.include('u008 0 its image is missing: it is at hfs 0, epoch 1');
      expect((await cli('doctor')).status).to.equal(0);
    });

    it('a damaged image: --fix mends what is safe to mend, and the rest is said', async () => {
      const image = homes.image(0, 'u008', 1);
      execFileSync('debugfs', ['-w', '-R', 'sif .profile links_count 5', image], { stdio: 'ignore' });
      const found = await doctor();
      expect([found.status, found.lines.at(-1)]).to.satisfy(
        ([status, line]: [number, string]) => status === 1 && line.startsWith('u008 0 epoch 1: e2fsck: '),
      );
      expect((await cli('doctor', '--fix')).status).to.equal(0);
      execFileSync('e2fsck', ['-fn', image], { stdio: 'ignore' });
      execFileSync('dd', ['if=/dev/urandom', `of=${image}`, 'bs=1M', 'count=60', 'conv=notrunc'], { stdio: 'ignore' }); // prettier-ignore
      const beyond = await doctor('--fix');
      expect(beyond.status).to.equal(1);
      expect(beyond.lines.at(-1)).to.match(/^u008 0 epoch 1: e2fsck: /);
    });

    it('a server that does not answer', async () => {
      await homes.kill('hfs@1');
      const { status, lines } = await doctor();
      await homes.start('hfs@1');
      expect(status).to.equal(1);
      expect(lines)
        .to.include('- 1 does not answer')
        .and.not.to.satisfy((all: string[]) => all.some((line) => line.includes('missing')));
    });
  });

  it('each example of their help is understood', async () => {
    const manifest = readFileSync(join(import.meta.dirname, '../../oclif.manifest.json'), 'utf8');
    const { commands } = JSON.parse(manifest) as { commands: Record<string, { examples?: string[] }> };
    const examples = Object.entries(commands).flatMap(([id, { examples = [] }]) =>
      id.startsWith('hfs:') ? examples : [],
    );
    expect(examples).to.have.length.greaterThan(14);
    for (const example of examples) {
      const [, , , ...words] = example.match(/"[^"]*"|\S+/g) ?? [];
      const { status, stderr } = await cli(...words.slice(1).map((word) => word.replaceAll('"', '')));
      // No jdoe here, no backups, and nobody to ask.
      expect([0, 2, 3, 4, 5, 8], example).to.include(status);
      expect(stderr, example).not.to.match(/see --help|USAGE/);
    }
  }).timeout(180_000);
});
