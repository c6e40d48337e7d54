import { setTimeout as sleep } from 'node:timers/promises';
import { type HomesSite, userName } from './homes.ts';
import { findWriters } from './homes-probe.ts';
import type { NbdAddress } from './nbd-client.ts';

/** A disk that is busy with other things may keep one flush waiting for longer than a probe does. */
const PATIENCE_MS = 10_000;

/**
 * Two servers are asked for one home at the same moment: at least one gives it, one export of it takes writes, and it has one
 * owner in the end.
 * @returns how many of the requests were answered with a port
 */
export async function raceForHome(homes: HomesSite): Promise<number> {
  const login = userName(1);
  const answers = await Promise.allSettled([homes.getHfs(0, login), homes.getHfs(1, login)]);
  const told = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  if (told.length === 0) throw new Error(`nobody got it: ${answers.map(reasonOf).join('; ')}`);
  await mustBeOne(homes, login, told, 0);
  for (const deadline = performance.now() + 20_000; ; await sleep(5)) {
    if ((await homes.row(login))?.state === 'here') break;
    if (performance.now() > deadline) throw new Error('its move does not end');
  }
  await mustBeOne(homes, login, told, 1);
  return told.length;
}

async function mustBeOne(
  homes: HomesSite,
  login: string,
  told: readonly NbdAddress[],
  least: number,
): Promise<void> {
  for (const deadline = performance.now() + PATIENCE_MS; ;) {
    const { writers } = await findWriters(homes, login, told, undefined);
    if (writers.length > 1) throw new Error(`${writers.length} exports took writes: ${writers.join(', ')}`);
    if (writers.length >= least) return;
    if (performance.now() > deadline) throw new Error('nobody can write to it');
  }
}

const reasonOf = (answer: PromiseSettledResult<unknown>): string =>
  answer.status === 'rejected' ? String(answer.reason) : '';
