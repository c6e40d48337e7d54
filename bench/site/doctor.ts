import { startHealthyLab } from '../../test/support/healthy-lab.ts';
import { atMost, type Bench, median } from '../figure.ts';

const RUNS = 5;
const LIMIT_S = 10;

/** The whole `prolo doctor`, its start included, on the gateway of 140 machines and ten home file servers, all of it healthy. */
const bench: Bench = async (report, { short }) => {
  const { lab, startNfs, startClock, doctor } = await startHealthyLab();
  try {
    await startNfs();
    await startClock(0);
    const took: number[] = [];
    let checks = 0;
    const runs = short ? 1 : RUNS;
    for (let run = 0; run < runs; run++) {
      const seen = await doctor();
      if (seen.status !== 0) throw new Error(`something is red: ${JSON.stringify(seen.checks)}`);
      took.push(seen.ms / 1000);
      checks = seen.checks.length;
    }
    const against = `s; ${checks} checks of 140 machines and 10 HFS, nothing red`;
    report(`${median(took).toFixed(1)} ${against}`);
    return [atMost('doctor', median(took), LIMIT_S, against, runs)];
  } finally {
    await lab.stop();
  }
};
export default bench;
