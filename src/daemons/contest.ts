import { followContest } from '../lib/contest/follow.ts';
import { createUnits } from '../lib/contest/units.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';

/** Starts and stops the units of the contest. Ended, it leaves them as they are. */
export const start: StartDaemon = ({ site, log }) => {
  const ended = new AbortController();
  const apply = createUnits(site.config.contest, log);
  const following = followContest({ site, consumer: 'units', apply, signal: ended.signal, log });
  return Promise.resolve({
    async close() {
      ended.abort();
      await following;
    },
  });
};
