import { makeHomesSite } from '../support/homes.ts';
import { KILL_HOME_BYTES } from '../support/homes-kill.ts';
import { raceForHome } from '../support/homes-race.ts';
import type { Soak } from './soak.ts';

const RACES = 500;

const soak: Soak = async (report) => {
  process.env.PROLO_TEST_LOG ??= 'silent';
  const homes = await makeHomesSite({ users: 1, seats: 1, sizeBytes: KILL_HOME_BYTES });
  try {
    await homes.enter('u001', 0, 1);
    let answered = 0;
    for (let race = 1; race <= RACES; race++) {
      answered += await raceForHome(homes);
      if (race % 50 === 0) report(`${race} races`);
    }
    return [
      `Two servers asked for one home at once, ${RACES} times: ${answered} of ${2 * RACES} requests were answered with a port, and one export took writes each time.`,
    ];
  } finally {
    await homes.close();
  }
};
export default soak;
