import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { digAll } from '../../test/support/named.ts';
import { type Bench, type Figure, median } from '../figure.ts';
import { pcs, startDnsSite } from '../support/dns-site.ts';

const MACHINES = 1000;
const RUNS = 3;

/** `prolo mdb import` of 1,000 machines into an empty site: how long it runs, how often named reloads, what it serves. */
const bench: Bench = async (report) => {
  const seconds: number[] = [];
  const reloads: number[] = [];
  const served: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const one = await importOnce();
    seconds.push(one.seconds);
    reloads.push(one.reloads);
    served.push(one.served);
    report(`import: ${one.seconds.toFixed(2)} s, ${one.reloads} reload(s), ${one.served} served`);
  }
  const [time, most, least] = [Number(median(seconds).toFixed(2)), Math.max(...reloads), Math.min(...served)];
  const figure = (name: string, value: number, limit: number, holds: boolean, against: string): Figure => ({
    name,
    value,
    limit,
    holds,
    against,
    runs: RUNS,
  });
  return [
    figure('import-time', time, 3, time <= 3, '1,000 machines by CSV, in s, Node and SQLite included'),
    figure('import-reloads', most, 3, most <= 3, 'reload commands that named received, the most of any run'),
    figure('import-served', least, MACHINES, least === MACHINES, 'machines that dig finds, the least; all'),
  ];
};
export default bench;

async function importOnce(): Promise<{ seconds: number; reloads: number; served: number }> {
  const dnsSite = await startDnsSite([]);
  try {
    await sleep(1500);
    const before = dnsSite.named.reloads();
    const machines = pcs(MACHINES);
    const file = join(dnsSite.site.dir, 'machines.csv');
    const rows = machines.map(({ hostname, mac, aliases }) => `${hostname},${mac},${aliases!.join()}`);
    writeFileSync(file, ['hostname,mac,aliases', ...rows].join('\n'));
    const started = performance.now();
    await dnsSite.prolo('mdb', 'import', file);
    const seconds = (performance.now() - started) / 1000;
    await sleep(3000); // all that may still come has come
    const names = machines.map(({ hostname }) => `${hostname}.prolo`);
    const served = await digAll(dnsSite.port, names);
    return { seconds, reloads: dnsSite.named.reloads() - before, served };
  } finally {
    await dnsSite.stop();
  }
}
