import { killCommits } from '../support/rfs-commit-kill.ts';
import { makeRfsSite } from '../support/rfs-commit-site.ts';
import { kernelTreeOfLab, makeStaging } from '../support/rfs.ts';
import type { Soak } from './soak.ts';

const RUNS = 200;

const soak: Soak = async (report) => {
  const rfs = await makeRfsSite(2);
  try {
    await makeStaging(rfs.staging, kernelTreeOfLab());
    const { killed, done } = await killCommits(rfs, RUNS, 4000, report);
    return [
      `kill -9 in ${killed} of ${RUNS} commits at random moments, ${done} were done before: what machines were told to boot was whole on its server each time.`,
      'A commit in peace after each twenty: every row has its files, every folder its row, nothing of dead runs is left, no number was given twice.',
    ];
  } finally {
    await rfs.close();
  }
};
export default soak;
