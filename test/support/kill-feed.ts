import { expect } from 'chai';
import { listMachines } from '../../src/lib/mdb/machines.ts';
import { toRecord } from '../../src/lib/mdb/record.ts';
import { servicePort } from '../../src/lib/site/site.ts';
import type { Store } from '../../src/lib/store/store.ts';
import { follow, type Follower } from './feed.ts';
import { startDaemonProcess, startProcess } from './processes.ts';
import { makeTestSite } from './site.ts';

/**
 * `kill -9` of mdbsync, again and again, while another process changes machines without a pause; its subscribers must
 * end with exactly what the store has, and have been told of each difference.
 * @returns how many lines the subscribers had
 */
export async function killFeed(store: Store, kills: number, subscribers: number): Promise<number> {
  const test = await makeTestSite({ database: store.url });
  const { site } = test;
  const url = `http://127.0.0.1:${servicePort(site.config, 'mdbsync')}`;
  let daemon = await startDaemonProcess(site.file, 'mdbsync');
  const writer = startProcess('change-machines.ts', [site.file, store.url, '1000000', '2']);
  const wrong: string[] = [];
  const followers = Array.from({ length: subscribers }, () =>
    followStrictly(url, site.secret('mdbsync.subscribe'), wrong),
  );
  const lines = (): number => followers.reduce((sum, { changes }) => sum + changes.length, 0);
  try {
    for (let killed = 0; killed < kills; killed++) {
      const before = followers.map(({ changes }) => changes.length);
      await Promise.all(followers.map((one, i) => one.until(() => one.changes.length > before[i]! + 10)));
      await daemon.kill();
      await Promise.all(followers.map((one) => one.until(() => one.troubles.length > killed)));
      daemon = await startDaemonProcess(site.file, 'mdbsync');
    }
    writer.child.send('stop');
    await writer.ended;
    const expected = sorted((await listMachines(store.knex)).map(toRecord));
    for (const one of followers) await one.until(() => sorted([...one.state.values()]) === expected);
    expect(wrong).to.deep.equal([]);
    return lines();
  } finally {
    await Promise.all(followers.map((one) => one.stop()));
    await writer.kill();
    await daemon.kill();
    await test.remove();
  }
}

/** A subscriber that notes in `wrong` whatever it was told and did not fit, or was not told. */
function followStrictly(url: string, secret: string, wrong: string[]): Follower {
  const mirror = new Map<string, unknown>();
  return follow({
    url,
    secret,
    pk: 'mac',
    onLine(state, changes) {
      for (const [key, kind] of changes) {
        if ((kind === 'created') === mirror.has(key)) wrong.push(`${kind} ${key}`);
        if (kind === 'deleted') mirror.delete(key);
        else mirror.set(key, state.get(key));
      }
      if (sorted([...mirror.values()]) !== sorted([...state.values()]))
        wrong.push('a change without a report');
    },
  });
}

function sorted(records: unknown[]): string {
  return JSON.stringify(records.map((record) => JSON.stringify(record)).sort());
}
