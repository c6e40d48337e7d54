import { changeMachines } from '../../src/lib/mdb/machines.ts';
import { databaseUrl, type Site } from '../../src/lib/site/site.ts';
import { openStore } from '../../src/lib/store/store.ts';
import { startHealthyLab } from '../../test/support/healthy-lab.ts';
import { atMost, type Bench, median } from '../figure.ts';

const RUNS = 5;
const LIMIT_S = 10;
/** Beside the sample's 140. */
const MORE = 10;

/** The whole `prolo doctor`, its start included, on the gateway of 150 machines and ten home file servers, all of it healthy. */
const bench: Bench = async (report, { short }) => {
  const { lab, startNfs, startClock, doctor } = await startHealthyLab();
  try {
    await startNfs();
    await startClock(0);
    await addMachines(lab.site);
    // The zones and the DHCP server follow in their time.
    for (let tries = 1; (await doctor('dns', 'dhcp')).status !== 0; tries++)
      if (tries > 20) throw new Error('DNS and DHCP never hear of the machines that came last');
    const took: number[] = [];
    let checks = 0;
    const runs = short ? 1 : RUNS;
    for (let run = 0; run < runs; run++) {
      const seen = await doctor();
      if (seen.status !== 0) throw new Error(`something is red: ${JSON.stringify(seen.checks)}`);
      took.push(seen.ms / 1000);
      checks = seen.checks.length;
    }
    const against = `s; ${checks} checks of 150 machines and 10 HFS, nothing red`;
    report(`${median(took).toFixed(1)} ${against}`);
    return [atMost('doctor', median(took), LIMIT_S, against, runs)];
  } finally {
    await lab.stop();
  }
};

async function addMachines(site: Site): Promise<void> {
  const store = await openStore(databaseUrl(site));
  const wishes = Array.from({ length: MORE }, (_, n) => ({
    input: {
      hostname: `alt-r09p${String(n + 1).padStart(2, '0')}`,
      mac: `52:54:00:99:00:0${n}`,
      room: 'alt',
    },
  }));
  await changeMachines(store, site.config, 'bench', () => ({ wishes })).finally(() => store.close());
}
export default bench;
