import { raceForSeats } from '../lib/presence/races.ts';
import type { Soak } from './soak.ts';

const ROUNDS = 500;
const KILL_EVERY = 10;

const soak: Soak = async () => {
  const { won, kills } = await raceForSeats(ROUNDS, KILL_EVERY);
  return [
    `three seats raced for one login, or three logins for one seat, ${ROUNDS} times, with ${kills} kill -9 of presencesync: ${won} times one won, never two, and who was told so was in the list.`,
  ];
};
export default soak;
