import { setTimeout as sleep } from 'node:timers/promises';
import { hashPassword } from '../../src/lib/udb/sha-crypt.ts';
import { changeUsers } from '../../src/lib/udb/users.ts';
import { atMost, type Bench, median } from '../figure.ts';
import { makeRig, type Rig } from '../support/rfs-rig.ts';
import { type Attempt, type BenchSeat, startSeat } from '../support/rfs-seat.ts';

const USERS = 150;
const EVERY_MS = 100;
const COMMITS = 3;
const PASSWORD = 'benchpassword';
const userName = (n: number): string => `u${String(n).padStart(3, '0')}`;

/** Somebody logs in every 100 ms on a PC that runs a version, while others are committed. */
const bench: Bench = async (report, { short }) => {
  const rig = await makeRig(2, short ? 15_000 : 30_000, report);
  let seat: BenchSeat | undefined;
  try {
    await addUsers(rig);
    await rig.prolo('rfs', 'commit', '-m', 'that runs');
    seat = await startSeat(rig, 1);
    await mustTellApart(seat);
    const alone = await attempts(seat, sleep(2_000));
    const during: Attempt[] = [];
    for (let n = 0; n < (short ? 1 : COMMITS); n++) {
      rig.grown.changePercent();
      during.push(...(await attempts(seat, rig.prolo('rfs', 'commit', '-m', 'another'))));
    }
    const failed = [...alone, ...during].filter(({ ok }) => !ok);
    const times = during.map(({ ms }) => ms);
    const against = `of ${during.length}, one every ${EVERY_MS} ms while ${short ? 1 : COMMITS} versions are committed; median ${median(times).toFixed(0)} ms, the slowest ${Math.max(...times).toFixed(0)} ms; without a commit ${median(alone.map(({ ms }) => ms)).toFixed(0)} ms`;
    report(`${failed.length} logins failed ${against}${failed[0] ? `: ${failed[0].said.trim()}` : ''}`);
    return [atMost('rfs-logins-failed', failed.length, 0, against, 1)];
  } finally {
    await seat?.stop();
    await rig.close();
  }
};
export default bench;

async function addUsers({ test }: Rig): Promise<void> {
  const password = { hash: hashPassword(PASSWORD), sealed: null };
  const wishes = Array.from({ length: USERS }, (_, i) => ({
    input: {
      login: userName(i + 1),
      firstname: 'U',
      lastname: String(i + 1),
      group: 'user' as const,
      password,
    },
  }));
  await changeUsers(await test.store(), test.site.config, 'bench', () => ({ wishes }));
}

/** Once the accounts have come. What would let everybody in, or nobody, measures nothing. */
async function mustTellApart(seat: BenchSeat): Promise<void> {
  for (const deadline = Date.now() + 60_000; ; await sleep(100)) {
    const right = await seat.check(userName(USERS), PASSWORD);
    if (right.ok) break;
    if (Date.now() > deadline) throw new Error(`nobody gets in: ${right.said}`);
  }
  if ((await seat.check(userName(1), 'wrong')).ok) throw new Error('everybody gets in');
}

/** Until `work` is done; each at its time, whether the one before it is through or not. */
async function attempts(seat: BenchSeat, work: Promise<unknown>): Promise<Attempt[]> {
  let over = false;
  const done = work.finally(() => (over = true));
  const all: Promise<Attempt>[] = [];
  const startMs = performance.now();
  for (let n = 0; !over; n++) {
    all.push(seat.check(userName((n % USERS) + 1), PASSWORD));
    const waitMs = startMs + (n + 1) * EVERY_MS - performance.now();
    await Promise.race([sleep(Math.max(0, waitMs)), done]);
  }
  await done;
  return Promise.all(all);
}
