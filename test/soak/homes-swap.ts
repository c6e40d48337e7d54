import { makeHomesSite } from '../support/homes.ts';
import { SWAP_VICTIMS, type SwapSite, swapRun } from '../support/homes-swap.ts';
import type { Soak } from './soak.ts';

const RUNS = 100;

const soak: Soak = async (report) => {
  process.env.PROLO_TEST_LOG ??= 'silent';
  const homes = await makeHomesSite({ users: 1, seats: 1, sizeBytes: 32 * 1024 ** 2 });
  const site: SwapSite = { homes, written: new Map(), runs: 0 };
  try {
    while (site.runs < RUNS) {
      await swapRun(site, SWAP_VICTIMS[site.runs % SWAP_VICTIMS.length]!);
      if (site.runs % 20 === 0) report(`${site.runs} runs`);
    }
  } finally {
    await homes.close();
  }
  return [
    `The contest started or stopped ${RUNS} times at the moment of a login, with a kill -9 of hfsdb, of a server or of a home's storage: each session had one home, the next login the other, and all that was acknowledged in either was there.`,
  ];
};
export default soak;
