import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { changeMode } from '../../src/lib/contest/table.ts';
import { startMode, stopMode } from '../../src/lib/contest/mode.ts';
import { homeName } from '../../src/lib/hfs/home-name.ts';
import { type DaemonName, type HomesSite, HttpRefusal, killIfThere, userName } from './homes.ts';
import { connectNbd } from './nbd-client.ts';

const BLOCK = 4096;
const PLACE = 20 * 1024 ** 2;

export const SWAP_VICTIMS = ['hfsdb', 'hfs@0', 'hfs@1', 'storage', 'nobody'] as const;
export type SwapVictim = (typeof SWAP_VICTIMS)[number];

/** What was acknowledged last in each home of the one person, by name. */
export interface SwapSite {
  homes: HomesSite;
  written: Map<string, string>;
  runs: number;
}

export async function setContest(homes: HomesSite, verb: 'start' | 'stop', set?: string): Promise<void> {
  await changeMode(await homes.test.store(), 'test', (mode) =>
    (verb === 'start' ? startMode : stopMode)(mode, {
      ...{ now: new Date(), by: 'test' },
      ...(set === undefined ? {} : { homes: set }),
    }),
  );
}

/** The home that hfsdb gave to the session of that login. */
export async function givenHome({ test }: HomesSite, login: string): Promise<string> {
  const row = (await (await test.store()).knex('home_sessions').where({ login }).first('set')) as {
    set: string;
  };
  return homeName({ login, set: row.set });
}

/**
 * The contest starts, or stops, at the moment of a login at a random server, and something is killed with `kill -9`: the session
 * has one home for as long as it lasts, what was acknowledged in that home before is there, and the next login has the other.
 * @throws Error that names the case
 */
export async function swapRun(site: SwapSite, victim: SwapVictim): Promise<void> {
  const { homes } = site;
  const login = userName(1);
  const verb = site.runs++ % 2 === 0 ? 'start' : 'stop';
  const hfs = randomInt(2);
  const seat = homes.seat(hfs, 1);
  try {
    await homes.login(login, seat);
    const [, , asked] = await Promise.allSettled([
      sleep(randomInt(30)).then(() => setContest(homes, verb)),
      sleep(randomInt(60)).then(() => killVictim(homes, victim, hfs, login)),
      sleep(randomInt(30)).then(() => homes.getHfs(hfs, login)),
    ]);
    const first = asked.status === 'fulfilled' ? await givenHome(homes, login) : undefined;
    const during = await visit(site, hfs);
    if (first !== undefined && during !== first) throw new Error(`it had ${first}, then ${during}`);
    const again = await visit(site, hfs);
    if (again !== during) throw new Error(`it had ${during}, then ${again}`);
    await homes.logout(login, seat);

    const after = randomInt(2);
    await homes.login(login, homes.seat(after, 1));
    const wanted = homeName({ login, set: verb === 'start' ? 'contest' : 'usual' });
    const got = await visit(site, after);
    if (got !== wanted) throw new Error(`the next login got ${got}`);
    await homes.logout(login, homes.seat(after, 1));
  } catch (error) {
    throw new Error(`contest ${verb}, kill -9 of ${victim}, hfs ${hfs}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/**
 * Asks for the home and opens it: what was written there last is there; then something else is. Where its storage was killed
 * meanwhile, the session has lost its disk and asks again.
 */
async function visit({ homes, written, runs }: SwapSite, hfs: number): Promise<string> {
  const login = userName(1);
  /** Written, and maybe not acknowledged. */
  const tried: string[] = [];
  for (const deadline = performance.now() + 60_000; ; await sleep(200))
    try {
      const client = await connectNbd(await homes.getHfs(hfs, login));
      try {
        const name = await givenHome(homes, login);
        const found = (await client.read(PLACE, BLOCK)).toString('latin1').replaceAll('\0', '');
        const [known] = found.split('|', 1);
        if (![written.get(name) ?? '', ...tried].includes(known!))
          throw new Wrong(`${name} holds ${known}, not ${written.get(name)}`);
        const text = `${name} ${runs} ${randomInt(1e9)}`;
        tried.push(text);
        await client.write(PLACE, Buffer.alloc(BLOCK, `${text}|`));
        await client.flush();
        written.set(name, text);
        return name;
      } finally {
        await client.close();
      }
    } catch (error) {
      const isFinal =
        error instanceof Wrong ||
        (error instanceof HttpRefusal && error.status < 500 && error.status !== 409);
      if (isFinal || performance.now() > deadline) throw error;
    }
}

class Wrong extends Error {}

async function killVictim(homes: HomesSite, victim: SwapVictim, hfs: number, login: string): Promise<void> {
  if (victim === 'nobody') return;
  if (victim === 'storage') {
    for (const set of ['usual', 'contest'])
      for (const { pid } of homes.processes(hfs, homeName({ login, set }))) killIfThere(pid);
    return;
  }
  const daemon: DaemonName = victim;
  await homes.kill(daemon);
  await homes.start(daemon);
}
