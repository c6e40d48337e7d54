import { openSync, closeSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomInt } from 'node:crypto';
import { BLOCK, missingCounters, type Region } from './counter-block.ts';
import { type Counter, type Counters, startCounters } from './counter-clients.ts';
import { type DaemonName, type HomesSite, HttpRefusal, killIfThere, userName } from './homes.ts';
import { connectNbd, type NbdAddress } from './nbd-client.ts';
import { findWriters, type Probe } from './homes-probe.ts';

/** Who is killed. `hfs`: the server; `storage`: its qemu-storage-daemon; `front`: what puts that on TCP. */
export const VICTIMS = [
  'source hfs',
  'target hfs',
  'source storage',
  'source front',
  'target storage',
  'hfsdb',
  'presencesync',
] as const;
export type Victim = (typeof VICTIMS)[number];

/**
 * When. `asking`: the request is under way. `copying`. `pending`: both sides are equal, hfsdb was not reached yet. `ending`: hfsdb
 * asks the source for its word. `recorded`: the new owner has just been written down. `any`: at a random moment.
 */
export const STEPS = ['asking', 'copying', 'pending', 'ending', 'recorded', 'any'] as const;
export type Step = (typeof STEPS)[number];

export const KILL_CASES = STEPS.flatMap((step) => VICTIMS.map((victim) => ({ step, victim })));

/** Each case once in so many runs, and neighbours in the list far apart, so that a few runs see a bit of all. */
export function killCase(run: number): { step: Step; victim: Victim } {
  return KILL_CASES[(run * 11) % KILL_CASES.length]!;
}

/** What one run saw. */
export interface KillRun {
  step: Step;
  victim: Victim;
  /** Whether the session outlived it; else it ended, and its person logged in again. */
  survived: boolean;
  acknowledged: number;
  /** The client's longest wait, if its session survived. */
  gapMs: number;
  /** From the request of the next login until it could read. */
  nextLoginMs: number;
  probes: number;
}

export interface KillSite {
  homes: HomesSite;
  counters: Counters;
  login: string;
  region: Region;
  /** The next counter. */
  next: number;
}

/** In an ext4 of 64 MiB that is as good as empty, nothing of the file system is there. */
export const KILL_REGION: Region = { offset: 20 * 1024 ** 2, blocks: 2048 };
export const KILL_HOME_BYTES = 64 * 1024 ** 2;

export async function openKillSite(homes: HomesSite): Promise<KillSite> {
  const site: KillSite = {
    homes,
    counters: await startCounters(),
    login: userName(1),
    region: KILL_REGION,
    next: 0,
  };
  // As much as makes a move take a while.
  await homes.login(site.login, homes.seat(0, 1));
  const client = await connectNbd(await homes.getHfs(0, site.login));
  await client.write(32 * 1024 ** 2, Buffer.alloc(12 * 1024 ** 2, 'move me '));
  await client.flush();
  await client.close();
  await homes.logout(site.login, homes.seat(0, 1));
  return site;
}

/**
 * One move with a client that writes, one `kill -9`, and the login after it.
 * @throws Error that names the case: something acknowledged is missing, two exports took writes, or the login did not work
 */
export async function killRun(
  site: KillSite,
  { step, victim }: { step: Step; victim: Victim },
): Promise<KillRun> {
  const { homes, login } = site;
  const from = (await homes.row(login))!.hfs;
  const to = 1 - from;
  const first = site.next;
  const addresses: NbdAddress[] = [];
  try {
    const before = await session(site, from, addresses);
    await before.until(before.first + 15);
    await leave(site, before, from);

    await homes.login(login, homes.seat(to, 1));
    const asked = homes.getHfs(to, login);
    asked.catch(() => undefined);
    const killed = killAt(site, step, victim, from, to, asked);
    const during = await beginSession(site, asked, addresses);
    await killed;
    // Whatever was left of the session goes on, or has ended.
    const survived = during !== undefined && (await goesOn(during, 30));
    if (during && !survived && victim !== 'target storage')
      throw new Error(`the session ended, though its own storage lived: ${during.error}`);
    const probe = await findWriters(homes, login, addresses, during);
    mustBeOne(probe);
    if (during) await leave(site, during, to);
    else await homes.logout(login, homes.seat(to, 1));

    const next = await nextLogin(site, randomInt(2), addresses);
    return {
      step,
      victim,
      survived,
      acknowledged: site.next - first,
      gapMs: survived ? during.largestGapMs() : 0,
      nextLoginMs: next.ms,
      probes: probe.tried + next.probe.tried,
    };
  } catch (error) {
    throw new Error(
      `kill -9 of ${victim} (${step}), a move from hfs ${from} to ${to}: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}

async function session(site: KillSite, hfs: number, addresses: NbdAddress[]): Promise<Counter> {
  const { homes, login } = site;
  await homes.login(login, homes.seat(hfs, 1));
  const address = await homes.getHfs(hfs, login);
  addresses.push(address);
  const counter = site.counters.start(address, site.region, site.next);
  await counter.connected;
  return counter;
}

/** A session on what was asked for, unless the request, or the connection, fell to the kill. */
async function beginSession(
  site: KillSite,
  asked: Promise<NbdAddress>,
  addresses: NbdAddress[],
): Promise<Counter | undefined> {
  try {
    const address = await asked;
    addresses.push(address);
    const counter = site.counters.start(address, site.region, site.next);
    await counter.connected;
    return counter;
  } catch {
    return undefined;
  }
}

async function leave(site: KillSite, counter: Counter, hfs: number): Promise<void> {
  await counter.stop();
  site.next = counter.last + 1;
  await site.homes.logout(site.login, site.homes.seat(hfs, 1));
}

/** Whether the client has so many more acknowledged before it ends, or before a session would be called stuck. */
async function goesOn(counter: Counter, more: number): Promise<boolean> {
  const stuck = sleep(30_000, 'stuck' as const, { ref: false });
  const result = await Promise.race([
    counter.until(counter.last + more).then(
      () => 'goes on' as const,
      () => 'ended' as const,
    ),
    stuck,
  ]);
  if (result === 'stuck') throw new Error('the client was neither served nor told that its home is gone');
  return result === 'goes on';
}

/** Kills at the step of the move, and starts again what was killed, as its supervisor would. */
async function killAt(
  site: KillSite,
  step: Step,
  victim: Victim,
  from: number,
  to: number,
  asked: Promise<NbdAddress>,
): Promise<void> {
  const { homes } = site;
  const kill = (): Promise<void> => killVictim(site, victim, from, to);
  if (step === 'asking') {
    await sleep(randomInt(25));
    return kill();
  }
  if (step === 'any') {
    await sleep(randomInt(1200));
    return kill();
  }
  await asked;
  if (step === 'copying') {
    await sleep(20 + randomInt(150));
    return kill();
  }
  if (step === 'recorded') {
    await untilRow(site, to);
    return kill();
  }
  // Whoever is asked next does not answer: the move stands at that step until it does.
  const holder: DaemonName = step === 'pending' ? 'hfsdb' : `hfs@${from}`;
  const { pid } = homes.daemons.get(holder)!.child;
  process.kill(pid!, 'SIGSTOP');
  try {
    await untilHeld(site, to);
    await kill();
  } finally {
    if (homes.daemons.get(holder)?.child.pid === pid) process.kill(pid!, 'SIGCONT');
  }
}

/** Both sides are equal, and whoever decides about it was asked. */
async function untilHeld({ homes, login }: KillSite, to: number): Promise<void> {
  for (const deadline = performance.now() + 8_000; performance.now() < deadline; await sleep(10)) {
    const home = (await homes.served(to)).find((one) => one.login === login && one.state === 'moving');
    if (home?.progress === 1) return sleep(50);
  }
  throw new Error('the move did not get to its last step');
}

async function untilRow({ homes, login }: KillSite, to: number): Promise<void> {
  for (const deadline = performance.now() + 8_000; performance.now() < deadline; await sleep(1))
    if ((await homes.row(login))?.hfs === to) return;
  throw new Error('the new owner was not recorded');
}

async function killVictim(
  { homes, login }: KillSite,
  victim: Victim,
  from: number,
  to: number,
): Promise<void> {
  const [side, part] = victim.split(' ') as [string, string | undefined];
  const hfs = side === 'source' ? from : to;
  if (part === 'storage' || part === 'front') {
    for (const { pid, program } of homes.processes(hfs, login)) if (program === part) killIfThere(pid);
    return;
  }
  const daemon: DaemonName = part === 'hfs' ? `hfs@${hfs}` : (victim as 'hfsdb' | 'presencesync');
  await homes.kill(daemon);
  await homes.start(daemon);
}

/** The login after it all: it works, within a time, and everything that was acknowledged is there. */
async function nextLogin(
  site: KillSite,
  hfs: number,
  addresses: NbdAddress[],
): Promise<{ ms: number; probe: Probe }> {
  const { homes, login, region } = site;
  const acknowledged = [0, site.next - 1] as const;
  const before = performance.now();
  await homes.login(login, homes.seat(hfs, 1));
  const address = await patiently(() => homes.getHfs(hfs, login));
  const client = await connectNbd(address);
  await client.read(0, BLOCK);
  const ms = performance.now() - before;
  mustHaveAll(await missingCounters((...at) => client.read(...at), region, acknowledged), 'the next login');
  const probe = await findWriters(homes, login, addresses, undefined, address);
  mustBeOne(probe);
  await client.close();
  await untilSettled(site);
  const { hfs: owner, epoch } = (await homes.row(login))!;
  const file = openSync(homes.image(owner, login, epoch), 'r');
  try {
    const read = (offset: number, length: number): Buffer => {
      const block = Buffer.alloc(length);
      readSync(file, block, 0, length, offset);
      return block;
    };
    mustHaveAll(await missingCounters(read, region, acknowledged), 'the image that the row names');
  } finally {
    closeSync(file);
  }
  await homes.logout(login, homes.seat(hfs, 1));
  return { ms, probe };
}

/** Tries again for some seconds while the answer is that something is not there yet, as a PC does. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (const deadline = performance.now() + 10_000; ; await sleep(100))
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > deadline || (error instanceof HttpRefusal && error.status < 500)) throw error;
    }
}

async function untilSettled({ homes, login }: KillSite): Promise<void> {
  for (const deadline = performance.now() + 20_000; performance.now() < deadline; await sleep(20))
    if ((await homes.row(login))?.state === 'here') return;
  throw new Error('its move neither ended nor was given up');
}

function mustHaveAll(missing: readonly number[], where: string): void {
  if (missing.length > 0)
    throw new Error(
      `${where}: ${missing.length} acknowledged blocks are missing: ${missing.slice(0, 20).join(' ')}`,
    );
}

function mustBeOne({ writers }: Probe): void {
  if (writers.length > 1) throw new Error(`${writers.length} exports took writes: ${writers.join(', ')}`);
}
