import { fuzzFeed } from '../support/fuzz-feed.ts';
import { countsText, type Soak } from './soak.ts';

const REQUESTS = 100_000;

const soak: Soak = async () => {
  const statuses = await fuzzFeed(REQUESTS);
  return [`${REQUESTS} requests to mdbsync and udbsync, answered ${countsText(statuses)}; neither ended.`];
};
export default soak;
