import { makeHomesSite } from '../support/homes.ts';
import { KILL_HOME_BYTES } from '../support/homes-kill.ts';
import { restartUnderLoad } from '../support/homes-restart.ts';
import type { Soak } from './soak.ts';

const PEOPLE = 50;
const RESTARTS = 10;

const soak: Soak = async () => {
  const homes = await makeHomesSite({ users: PEOPLE, seats: PEOPLE, sizeBytes: KILL_HOME_BYTES });
  try {
    const { gapMs, quietGapMs, writes } = await restartUnderLoad(homes, PEOPLE, RESTARTS);
    const text = `the longest wait for one of ${writes} flushed writes was ${gapMs.toFixed(0)} ms, with nothing restarted ${quietGapMs.toFixed(0)} ms`;
    if (gapMs > 100) throw new Error(`hfs restarted ${RESTARTS} times while ${PEOPLE} homes were written: ${text}`); // prettier-ignore
    return [`hfs restarted ${RESTARTS} times while ${PEOPLE} homes were written: ${text}.`];
  } finally {
    await homes.close();
  }
};
export default soak;
