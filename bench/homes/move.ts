import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { runOk } from '../../src/lib/exec.ts';
import { BLOCK, type Region } from '../../test/support/counter-block.ts';
import { type Counters, startCounters } from '../../test/support/counter-clients.ts';
import { connectNbd, type NbdClient } from '../../test/support/nbd-client.ts';
import { type HomesSite, makeHomesSite, userName } from '../../test/support/homes.ts';
import { atLeast, atMost, type Bench, type Figure, median } from '../figure.ts';
import {
  ended,
  freePort,
  GIB,
  MIB,
  readOnce,
  removeOldImages,
  settleDisk,
  startQemuNbd,
  timeMs,
  untilListening,
  untilOwner,
  writeRandomFiles,
} from '../support/homes.ts';

const RUNS = 7;
const SADM_RUNS = 3;
const SMALL = userName(1);
const LARGE = userName(2);

/** A home that is elsewhere: until it can be used, until it has moved, and what a client can do meanwhile. */
const bench: Bench = async (report) => {
  const dir = mkdtempSync(join(tmpdir(), 'prolo-bench-'));
  let homes: HomesSite | undefined;
  let counters: Counters | undefined;
  try {
    writeRandomFiles(join(dir, 'user'), 300 * MIB);
    writeRandomFiles(join(dir, 'orga'), Math.round(1.9e9));
    homes = await makeHomesSite({
      users: 2,
      seats: 1,
      group: (n) => (n === 1 ? 'user' : 'orga'),
      hfs: { skeleton: join(dir, '{group}') },
      config: { groups: { user: { quotaBytes: 2 * GIB }, orga: { quotaBytes: 2 * GIB } } },
    });
    for (const login of [SMALL, LARGE]) {
      await homes.login(login, homes.seat(0, 1));
      await homes.getHfs(0, login);
      await homes.logout(login, homes.seat(0, 1));
    }
    counters = await startCounters();
    const figures = [
      ...(await measureStart(homes, dir, report)),
      ...(await measureWhole(homes, dir, report)),
      await measureWriter(homes, counters, SMALL, '0.3gb', report),
      await measureWriter(homes, counters, LARGE, '1.9gb', report),
    ];
    return figures;
  } finally {
    await counters?.close();
    await homes?.close();
    rmSync(dir, { recursive: true, force: true });
  }
};
export default bench;

/** The home goes to the other server whole, its client idle; resolves with the time until that one had read. */
async function moveAway(homes: HomesSite, login: string): Promise<{ startMs: number }> {
  const to = 1 - (await homes.row(login))!.hfs;
  const seat = homes.seat(to, 1);
  await homes.login(login, seat);
  let client: NbdClient | undefined;
  const startMs = await timeMs(async () => {
    client = await connectNbd(await homes.getHfs(to, login));
    await client.read(0, BLOCK);
  });
  await untilOwner(homes, login, to);
  await client!.close();
  await homes.logout(login, seat);
  return { startMs };
}

async function imageOf(homes: HomesSite, login: string): Promise<string> {
  const { hfs, epoch } = (await homes.row(login))!;
  return homes.image(hfs, login, epoch);
}

async function measureStart(
  homes: HomesSite,
  dir: string,
  report: (text: string) => void,
): Promise<Figure[]> {
  const times: Record<string, { ours: number[]; sadm: number[] }> = {};
  for (let run = 0; run < RUNS; run++)
    for (const login of [SMALL, LARGE]) {
      const { ours, sadm } = (times[login] ??= { ours: [], sadm: [] });
      // SADM's way for the large one takes a minute.
      if (run < (login === SMALL ? SADM_RUNS : 1)) {
        await settleDisk();
        sadm.push(await sadmWay(await imageOf(homes, login), dir));
      }
      await settleDisk();
      ours.push((await moveAway(homes, login)).startMs);
      await removeOldImages(homes, login);
    }
  const [small, large] = [SMALL, LARGE].map((login) => ({
    ours: median(times[login]!.ours),
    sadm: median(times[login]!.sadm),
  })) as [Times, Times];
  const against = (one: Times, runs: number): string =>
    `${one.ours.toFixed(0)} ms; tar -Sz to tar -xz and qemu-nbd (${runs} runs): ${one.sadm.toFixed(0)} ms`;
  report(`0.3 GB: ${against(small, SADM_RUNS)}`);
  report(`1.9 GB: ${against(large, 1)}`);
  const sizes = `${large.ours.toFixed(1)} ms, for 0.3 GB ${small.ours.toFixed(1)} ms`;
  return [
    atMost('home-elsewhere-connect-0.3gb', small.ours / small.sadm, 0.01, against(small, SADM_RUNS), RUNS),
    atMost('home-elsewhere-connect-1.9gb', large.ours / large.sadm, 0.01, against(large, 1), RUNS),
    atMost('home-elsewhere-size', large.ours / small.ours, 1.5, sizes, RUNS),
  ];
}

interface Times {
  ours: number;
  sadm: number;
}

/** What SADM does with a home that is elsewhere: all of it is packed, sent, unpacked, and served then. */
async function sadmWay(image: string, dir: string): Promise<number> {
  const arrived = join(dir, 'arrived');
  mkdirSync(arrived);
  const port = await freePort();
  const listen = `TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr`;
  const before = performance.now();
  const target = spawn('socat', ['-u', listen, `EXEC:tar -C ${arrived} -xzf -`], { stdio: 'ignore' });
  await untilListening(port, target);
  const packing = `EXEC:tar -C ${dirname(image)} -Szcf - ${basename(image)}`;
  const source = spawn('socat', ['-u', packing, `TCP:127.0.0.1:${port}`], { stdio: 'ignore' });
  await ended(source, 'tar -Sz');
  await ended(target, 'tar -xz');
  const server = await startQemuNbd(join(arrived, basename(image)));
  await readOnce(server.address);
  const ms = performance.now() - before;
  await server.stop();
  rmSync(arrived, { recursive: true });
  return ms;
}

async function measureWhole(
  homes: HomesSite,
  dir: string,
  report: (text: string) => void,
): Promise<Figure[]> {
  const [moves, copies]: [number[], number[]] = [[], []];
  const ours = async (): Promise<void> => {
    await settleDisk();
    moves.push(await timeMs(() => moveAway(homes, SMALL)));
    await removeOldImages(homes, SMALL);
  };
  const peer = async (): Promise<void> => {
    const server = await startQemuNbd(await imageOf(homes, SMALL));
    const copy = join(dir, 'copy.img');
    await settleDisk();
    const argv = ['nbdcopy', '--flush', `nbd://127.0.0.1:${server.port}/peer`, copy];
    copies.push(await timeMs(() => runOk(argv, { timeoutMs: 120_000 })));
    await server.stop();
    rmSync(copy);
  };
  for (let run = 0; run < RUNS; run++) for (const side of run % 2 ? [ours, peer] : [peer, ours]) await side();
  const [move, copy] = [median(moves), median(copies)];
  const against = `${move.toFixed(0)} ms from request to the new owner's record; nbdcopy --flush from qemu-nbd over TCP: ${copy.toFixed(0)} ms`;
  report(`whole move of 0.3 GB, idle client: ${against}`);
  return [atMost('home-move-whole', move / copy, 2, against, RUNS)];
}

/** A client that writes 4 KiB and flushes, again and again: on a home that is here, and while the same home moves. */
async function measureWriter(
  homes: HomesSite,
  counters: Counters,
  login: string,
  size: string,
  report: (text: string) => void,
): Promise<Figure> {
  // Over files, or beyond them: nobody reads those any more. The file system keeps nothing of its own there.
  const region: Region = { offset: GIB, blocks: (64 * MIB) / BLOCK };
  const [befores, durings, gaps]: [number[], number[], number[]] = [[], [], []];
  for (let run = 0; run < RUNS; run++) {
    const from = (await homes.row(login))!.hfs;
    const to = 1 - from;
    await settleDisk();
    await homes.login(login, homes.seat(from, 1));
    const still = counters.start(await homes.getHfs(from, login), region);
    await still.connected;
    const stillMs = await timeMs(() => new Promise((resolve) => setTimeout(resolve, 2_000)));
    befores.push((still.last / stillMs) * 1000);
    await still.stop();
    await homes.logout(login, homes.seat(from, 1));
    await homes.login(login, homes.seat(to, 1));
    const moving = counters.start(await homes.getHfs(to, login), region);
    await moving.connected;
    const movingMs = await timeMs(() => untilOwner(homes, login, to));
    durings.push((moving.last / movingMs) * 1000);
    gaps.push(moving.largestGapMs());
    await moving.stop();
    if (moving.error ?? still.error) throw new Error(`the writing client: ${moving.error ?? still.error}`);
    await homes.logout(login, homes.seat(to, 1));
    await removeOldImages(homes, login);
  }
  const [before, during, gap] = [median(befores), median(durings), median(gaps)];
  const against = `${during.toFixed(0)} flushed 4k writes a second in a move, ${before.toFixed(0)} before; the longest wait for one ${gap.toFixed(0)} ms`;
  report(`${size}: ${against}`);
  return atLeast(`home-move-writer-${size}`, during / before, 0.3, against, RUNS);
}
