import { Resolver } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { dig } from '../../test/support/named.ts';
import { type Bench, median } from '../figure.ts';
import { pcs, startDnsSite } from '../support/dns-site.ts';

const ADDS = 100;
const GIVE_UP_MS = 5000;

/**
 * From `prolo mdb add` returning to `dig` answering from the real named, one after another, on a site that has 1,000
 * machines already: feed, rendering, named-checkzone, named-checkconf, rndc and dig's own start are all in it.
 */
const bench: Bench = async (report) => {
  const dnsSite = await startDnsSite(pcs(1000));
  try {
    await sleep(2000); // the first reload, which tells of what was there
    const resolver = new Resolver();
    resolver.setServers([`127.0.0.1:${dnsSite.port}`]);
    const timesMs: number[] = [];
    for (let i = 0; i < ADDS; i++) {
      const mac = `02:aa:00:00:00:${i.toString(16).padStart(2, '0')}`;
      await dnsSite.prolo('mdb', 'add', '--hostname', `new-${i}`, '--mac', mac);
      const returned = performance.now();
      await untilKnown(resolver, `new-${i}.prolo`);
      if ((await dig(dnsSite.port, `new-${i}.prolo`)).length === 0) throw new Error(`new-${i}: no answer`);
      timesMs.push(performance.now() - returned);
    }
    const [middle, worst] = [median(timesMs), Math.max(...timesMs)].map(Math.round) as [number, number];
    report(`add to dig: median ${middle} ms, slowest ${worst} ms of ${ADDS}`);
    const against = 'named of BIND 9 with 1,000 machines, in ms';
    return [
      { name: 'dns-latency-median', value: middle, limit: 150, holds: middle <= 150, against, runs: ADDS },
      { name: 'dns-latency-slowest', value: worst, limit: 300, holds: worst <= 300, against, runs: ADDS },
    ];
  } finally {
    await dnsSite.stop();
  }
};
export default bench;

/** Asks without dig, whose start costs more than the answer, every 2 ms. */
async function untilKnown(resolver: Resolver, name: string): Promise<void> {
  for (const end = performance.now() + GIVE_UP_MS; performance.now() < end; await sleep(2))
    if (await resolver.resolve4(name).catch(() => undefined)) return;
  throw new Error(`${name} has no address`);
}
