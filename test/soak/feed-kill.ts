import { openStore } from '../../src/lib/store/store.ts';
import { databaseUrl } from '../../src/lib/site/site.ts';
import { killFeed } from '../support/kill-feed.ts';
import { makeTestSite } from '../support/site.ts';
import type { Soak } from './soak.ts';

const KILLS = 100;
const SUBSCRIBERS = 20;

const soak: Soak = async () => {
  const test = await makeTestSite();
  const store = await openStore(databaseUrl(test.site));
  try {
    const lines = await killFeed(store, KILLS, SUBSCRIBERS);
    return [
      `kill -9 of mdbsync ${KILLS} times in a stream of writes: ${SUBSCRIBERS} subscribers had ${lines} lines, and each ended with the store's state, every difference reported.`,
    ];
  } finally {
    await store.close();
    await test.remove();
  }
};
export default soak;
