import { makeHomesSite } from '../support/homes.ts';
import {
  KILL_HOME_BYTES,
  killCase,
  type KillRun,
  killRun,
  openKillSite,
  VICTIMS,
} from '../support/homes-kill.ts';
import type { Soak } from './soak.ts';

const RUNS = 200;

const soak: Soak = async (report) => {
  process.env.PROLO_TEST_LOG ??= 'silent';
  const hfs = { moveBytesPerSecond: 24 * 1024 ** 2 };
  const homes = await makeHomesSite({ users: 1, seats: 1, sizeBytes: KILL_HOME_BYTES, hfs });
  try {
    const site = await openKillSite(homes);
    const runs: KillRun[] = [];
    try {
      while (runs.length < RUNS) {
        runs.push(await killRun(site, killCase(runs.length)));
        if (runs.length % 20 === 0) report(`${runs.length} runs, ${site.next} acknowledged`);
      }
    } finally {
      await site.counters.close();
    }
    const longest = (values: number[]): string => (Math.max(0, ...values) / 1000).toFixed(1);
    const byVictim = VICTIMS.map((victim) => {
      const some = runs.filter((run) => run.victim === victim);
      const survived = some.filter((run) => run.survived);
      return `${victim}: ${some.length} kills, ${survived.length} sessions went on (longest wait ${longest(survived.map(({ gapMs }) => gapMs))} s).`;
    });
    const probes = runs.reduce((sum, run) => sum + run.probes, 0);
    return [
      `kill -9 in ${RUNS} moves, at each step and at random moments: all of ${site.next} acknowledged blocks were there, on the image that hfsdb names and for the next login.`,
      `${probes} exports were tried: at no time two of them took writes.`,
      `The next login worked each time, within ${longest(runs.map(({ nextLoginMs }) => nextLoginMs))} s.`,
      ...byVictim,
    ];
  } finally {
    await homes.close();
  }
};
export default soak;
