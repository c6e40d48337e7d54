import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import { silentLog } from '../../../src/lib/log.ts';
import { change, type Change } from '../../../src/lib/store/change-log.ts';
import { followChanges } from '../../../src/lib/store/follow.ts';
import { openStore, type Store } from '../../../src/lib/store/store.ts';
import { needs } from '../../support/needs.ts';
import { createDatabase, postgresPackages } from '../../support/postgres.ts';
import { rejection } from '../../support/rejection.ts';

const note = (text: string) => () =>
  Promise.resolve({ value: 0, updates: [{ type: 'update' as const, data: { text } }] });

describe('a database in trouble', function () {
  this.timeout(40_000);
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'prolo-faults-'))));
  const closing: (() => Promise<void> | void)[] = [];
  const open = async (url = `sqlite:${join(dir, 'db')}`): Promise<Store> => {
    const store = await openStore(url);
    closing.push(() => store.close());
    return store;
  };
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    rmSync(dir, { recursive: true, force: true });
  });

  it('locked by another process is said to be, after five seconds, and works again afterwards', async () => {
    const store = await open();
    const other = new Database(join(dir, 'db'));
    closing.push(() => void other.close());
    other.exec('begin immediate');
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 50).unref();
    const error = await rejection(change(store, 'mdb', 'test', note('a')));
    clearInterval(ticking);
    expect(ticks).to.be.above(50); // the process was not blocked meanwhile
    expect(error).to.include({ kind: 'unavailable' });
    expect(error.message).to.include('locked');
    other.exec('rollback');
    await change(store, 'mdb', 'test', note('b'));
  });

  it('on a full disk is an error of that kind; nothing is half written, and it works again when there is space', async function () {
    needs(this, { mount: 'mount' });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=600k', 'none', dir]);
    closing.push(() => void execFileSync('umount', [dir]));
    const store = await open();
    let written = 0;
    let error: Error | undefined;
    for (; written < 500 && !error; written++)
      await change(store, 'mdb', 'test', note('x'.repeat(20_000))).catch((caught: Error) => (error = caught));
    expect(error).to.include({ kind: 'full' });
    const rows = (await store.knex('changes').count({ n: '*' })) as { n: number }[];
    expect(Number(rows[0]!.n)).to.equal(written - 1);
    execFileSync('mount', ['-o', 'remount,size=4m', dir]);
    await change(store, 'mdb', 'test', note('again'));
  });

  it('that is full in the middle of a transaction says so, though SQLite has rolled back by itself', async () => {
    const store = await open();
    const [{ page_count: pages }] = (await store.knex.raw('pragma page_count')) as [{ page_count: number }];
    await store.knex.raw(`pragma max_page_count = ${pages + 2}`);
    const fill = change(store, 'mdb', 'test', async (tx) => {
      for (let i = 0; i < 50; i++) await tx('settings').insert({ key: `k${i}`, value: 'x'.repeat(5000) });
      return { value: 0, updates: [] };
    });
    expect(await rejection(fill)).to.include({ kind: 'full' });
    expect(await store.knex('settings').select()).to.deep.equal([]);
    await change(store, 'mdb', 'test', note('small'));
  });

  it('has files that nobody else may read', async () => {
    const store = await open();
    await change(store, 'mdb', 'test', note('a'));
    for (const file of readdirSync(dir)) expect(statSync(join(dir, file)).mode & 0o777, file).to.equal(0o600);
  });

  it('made by several processes at once is made once', async () => {
    const writer = join(import.meta.dirname, '../../support/writer.ts');
    const url = `sqlite:${join(dir, 'db')}`;
    await Promise.all(
      [1, 2, 3, 4].map((n) =>
        promisify(execFile)(process.execPath, ['--import=tsx', writer, url, String(n * 100), '1']),
      ),
    );
    const store = await open(url);
    const steps = await store.knex('migrations').select('name').orderBy('name');
    expect(steps.map(({ name }: { name: string }) => name)).to.deep.equal([
      '001-core',
      '002-homes',
      '003-rfs',
      '004-lifecycle',
      '005-contest',
      '006-home-sets',
    ]);
    expect(await store.knex('changes').select('seq')).to.have.length(4);
  });

  it('that a later prolo has changed is refused', async () => {
    const store = await open();
    await store.knex('migrations').insert({ name: '999-later' });
    await store.close();
    expect(await rejection(open(store.url))).to.include({ kind: 'config' });
  });

  for (const [what, harm] of [
    ['deleted', (file: string) => rmSync(file)],
    ['another file', (file: string) => (renameSync(file, `${file}.old`), copyFileSync(`${file}.old`, file))],
  ] as const)
    it(`whose file is ${what} while it is open takes no more changes, since they would be lost`, async () => {
      const store = await open();
      await change(store, 'mdb', 'test', note('a'));
      harm(join(dir, 'db'));
      const error = await rejection(change(store, 'mdb', 'test', note('b')));
      expect(error).to.include({ kind: 'unavailable' });
      expect(error.message).to.include(what);
    });

  it('whose server is not there is unavailable, also behind a socket', async () => {
    const error = await rejection(open(`postgres://postgres@${encodeURIComponent(dir)}/postgres`));
    expect(error).to.include({ kind: 'unavailable' });
  });

  it('that is no database is named', async () => {
    writeFileSync(
      join(dir, 'db'),
      'this is a text and no database, but it is long enough to be taken for one'.repeat(20),
    );
    expect(await rejection(open(`sqlite:${join(dir, 'db')}`))).to.include({ kind: 'unavailable' });
  });

  it('that cannot be reached is named without its password', async () => {
    const error = await rejection(open('postgres://prolo:hunter22@127.0.0.1:1/prolo'));
    expect(error).to.include({ kind: 'unavailable' });
    expect(error.message).to.not.include('hunter22');
  });

  it('whose connections are cut is followed again from where the log was', async function () {
    needs(this, postgresPackages);
    const database = await createDatabase();
    closing.push(() => database.drop());
    const store = await open(database.url);
    const seen: Change[] = [];
    const following = await followChanges(store, {
      feed: 'mdb',
      after: 0,
      onChange: (line) => seen.push(line),
      pollMs: 10,
      log: silentLog,
    });
    closing.push(() => following.stop());
    await change(store, 'mdb', 'test', note('1'));
    await store.knex
      .raw('select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()')
      .catch(() => undefined);
    for (let i = 0; i < 20; i++) {
      const failed = await change(store, 'mdb', 'test', note('2')).then(
        () => false,
        () => true,
      );
      if (!failed) break;
    }
    for (let i = 0; i < 300 && seen.length < 2; i++) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(seen.map(({ updates }) => updates[0]!.data.text)).to.deep.equal(['1', '2']);
  });
});
