import { fuzzNetboot } from '../support/fuzz-netboot.ts';
import { countsText, type Soak } from './soak.ts';

const REQUESTS = 100_000;

const soak: Soak = async () => {
  const statuses = await fuzzNetboot(REQUESTS);
  return [`${REQUESTS} requests to netboot, answered ${countsText(statuses)}; it did not end.`];
};
export default soak;
