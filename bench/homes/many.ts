import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRpcClient } from '../../src/lib/rpc/client.ts';
import { hfsUrl } from '../../src/lib/site/site.ts';
import { type HomesSite, makeHomesSite, userName } from '../../test/support/homes.ts';
import { connectNbd, type NbdAddress } from '../../test/support/nbd-client.ts';
import { atMost, type Bench, type Figure, median } from '../figure.ts';
import { GIB, MIB, pssMib, readOnce, settleDisk, untilOwner, writeRandomFiles } from '../support/homes.ts';

const LOGINS = 150;
const WITHIN_MS = 2_000;
const ONE_IN = 10;
const RUNS = 3;

/** Memory that a served home takes, and a room full of people who log in at once. */
const bench: Bench = async (report) => {
  const dir = mkdtempSync(join(tmpdir(), 'prolo-bench-'));
  writeRandomFiles(join(dir, 'user'), MIB);
  // Who has come to another seat than before brings something along.
  writeRandomFiles(join(dir, 'orga'), 50 * MIB);
  const quotaBytes = 2 * GIB;
  const homes = await makeHomesSite({
    users: LOGINS,
    seats: LOGINS,
    group: (n) => (n % ONE_IN === 0 ? 'orga' : 'user'),
    hfs: { skeleton: join(dir, '{group}') },
    config: { groups: { user: { quotaBytes }, orga: { quotaBytes } } },
  });
  try {
    for (let n = 1; n <= LOGINS; n++) {
      await homes.enter(userName(n), n % 2, n);
      if (n === 1) continue;
      await homes.logout(userName(n), homes.seat(n % 2, n));
      await stopHome(homes, n % 2, userName(n));
    }
    return [...(await measureMemory(homes, report)), await measureLogins(homes, report)];
  } finally {
    await homes.close();
    rmSync(dir, { recursive: true, force: true });
  }
};
export default bench;

async function stopHome(homes: HomesSite, hfs: number, login: string): Promise<void> {
  const { config } = homes.site;
  await createRpcClient(hfsUrl(config, hfs), homes.site.secret('hfs.control')).call('stop', { login });
}

/** The only home that is served shares its program with none: the dearest case. */
async function measureMemory(homes: HomesSite, report: (text: string) => void): Promise<Figure[]> {
  const login = userName(1);
  const pids = (): number[] => homes.processes(1, login).map(({ pid }) => pid);
  const client = await connectNbd(await homes.getHfs(1, login));
  const idle = pssMib(pids());
  const part = Buffer.alloc(MIB, 'home ');
  for (let offset = GIB; offset < GIB + 256 * MIB; offset += 16 * MIB) {
    await Promise.all(Array.from({ length: 16 }, (_, i) => client.write(offset + i * MIB, part)));
    await Promise.all(Array.from({ length: 16 }, (_, i) => client.read(offset + i * MIB, MIB)));
    await Promise.all(Array.from({ length: 64 }, (_, i) => client.read(offset + i * 4096, 4096)));
  }
  await client.flush();
  const used = pssMib(pids());
  await client.close();
  const afterwards = pssMib(pids());
  await homes.logout(login, homes.seat(1, 1));
  await stopHome(homes, 1, login);
  const against = `MiB (PSS) of ${pids.length || 1} process, the only home served`;
  report(
    `a served home: ${idle.toFixed(1)} MiB idle, ${used.toFixed(1)} in use, ${afterwards.toFixed(1)} after`,
  );
  return [
    atMost('home-memory-idle-mib', idle, 15, against, 1),
    atMost('home-memory-used-mib', Math.max(used, afterwards), 15, `${against}, 256 MiB written and read`, 1),
  ];
}

async function measureLogins(homes: HomesSite, report: (text: string) => void): Promise<Figure> {
  const slowest: number[] = [];
  const middle: number[] = [];
  const movedMs: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    await settleDisk();
    const began = performance.now();
    const logins = await Promise.all(
      Array.from({ length: LOGINS }, async (_, i) => {
        const n = i + 1;
        const login = userName(n);
        const { hfs } = (await homes.row(login))!;
        const to = n % ONE_IN === 0 ? 1 - hfs : hfs;
        await sleep(began + (i * WITHIN_MS) / LOGINS - performance.now());
        const startMs = performance.now();
        const address: NbdAddress = await homes.enter(login, to, n);
        await readOnce(address);
        return { n, login, to, moves: to !== hfs, ms: performance.now() - startMs };
      }),
    );
    for (const { login, to } of logins.filter(({ moves }) => moves)) await untilOwner(homes, login, to);
    for (const { n, login, to } of logins) {
      await homes.logout(login, homes.seat(to, n));
      await stopHome(homes, to, login);
    }
    const times = logins.map(({ ms }) => ms);
    slowest.push(Math.max(...times) / 1000);
    middle.push(median(times));
    movedMs.push(median(logins.filter(({ moves }) => moves).map(({ ms }) => ms)));
  }
  const against = `s, the slowest of ${LOGINS} within ${WITHIN_MS / 1000} s, one in ${ONE_IN} a move, all served; median ${median(middle).toFixed(0)} ms, of moves ${median(movedMs).toFixed(0)} ms`;
  report(`${median(slowest).toFixed(2)} ${against}`);
  return atMost('home-150-logins-s', median(slowest), 5, against, RUNS);
}
