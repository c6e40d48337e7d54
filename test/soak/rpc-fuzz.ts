import { fuzzRpc } from '../support/fuzz-rpc.ts';
import { countsText, type Soak } from './soak.ts';

const REQUESTS = 100_000;

const soak: Soak = async () => {
  const { statuses, requestsASecond } = await fuzzRpc(REQUESTS);
  return [
    `${REQUESTS} requests to mdb and udb, ${requestsASecond} a second, answered ${countsText(statuses)}; neither ended.`,
  ];
};
export default soak;
