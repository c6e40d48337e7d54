import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { silentLog } from '../../../src/lib/log.ts';
import { change, changesAfter, type Change } from '../../../src/lib/store/change-log.ts';
import { followChanges } from '../../../src/lib/store/follow.ts';
import { rejection } from '../../support/rejection.ts';
import { onBothStores } from '../../support/stores.ts';

const note = (n: number) => () =>
  Promise.resolve({ value: n, updates: [{ type: 'update' as const, data: { n } }] });
const numbers = (lines: readonly Change[]): unknown[] =>
  lines.flatMap(({ updates }) => updates.map(({ data }) => data.n));

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !done(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
}

onBothStores('the change log', (fresh) => {
  it('has a line for each transaction that says so, and none for one that failed', async () => {
    const store = await fresh();
    await change(store, 'mdb', 'a', note(1));
    const failing = change(store, 'mdb', 'a', async (tx) => {
      await tx('settings').insert({ key: 'x', value: 'y' });
      throw new Error('no');
    });
    expect((await rejection(failing)).message).to.equal('no');
    await change(store, 'udb', 'a', note(2));
    await change(store, 'mdb', 'a', () => Promise.resolve({ value: 0, updates: [] }));
    expect(numbers(await changesAfter(store, 'mdb', 0))).to.deep.equal([1]);
    expect(await store.knex('settings').select()).to.deep.equal([]);
  });

  it('is followed in order, each line once, with writers at the same time', async () => {
    const store = await fresh();
    await change(store, 'mdb', 'a', note(0));
    const seen: Change[] = [];
    const following = await followChanges(store, {
      feed: 'mdb',
      after: 0,
      onChange: (line) => seen.push(line),
      pollMs: 10,
      log: silentLog,
    });
    await Promise.all(Array.from({ length: 60 }, (_, i) => change(store, 'mdb', 'a', note(i + 1))));
    await until(() => seen.length === 61);
    await following.stop();
    expect([...seen].sort((a, b) => a.seq - b.seq)).to.deep.equal(seen);
    expect(numbers(seen).sort((a, b) => Number(a) - Number(b))).to.deep.equal(
      Array.from({ length: 61 }, (_, i) => i),
    );
    await change(store, 'mdb', 'a', note(99));
    expect(seen).to.have.length(61);
  });

  it('shows what other processes write, in the order of their commits', async () => {
    const store = await fresh();
    const seen: Change[] = [];
    const following = await followChanges(store, {
      feed: 'mdb',
      after: 0,
      onChange: (line) => seen.push(line),
      pollMs: 10,
      log: silentLog,
    });
    const writer = join(import.meta.dirname, '../../support/writer.ts');
    const write = (from: number) =>
      promisify(execFile)(process.execPath, ['--import=tsx', writer, store.url, String(from), '25']);
    await Promise.all([write(0), write(100)]);
    await until(() => seen.length === 50);
    await following.stop();
    expect(seen.map(({ seq }) => seq)).to.deep.equal([...seen.map(({ seq }) => seq)].sort((a, b) => a - b));
    const all = numbers(seen) as number[];
    expect(all.filter((n) => n < 100)).to.deep.equal(Array.from({ length: 25 }, (_, i) => i));
    expect(all.filter((n) => n >= 100)).to.deep.equal(Array.from({ length: 25 }, (_, i) => i + 100));
  });
});
