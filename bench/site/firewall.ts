import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { makeToken } from '../../src/lib/rpc/token.ts';
import { proloBin } from '../../test/support/cli.ts';
import { makeWires } from '../../test/support/wires.ts';
import { atMost, type Bench, median } from '../figure.ts';
import { type Child, startScript } from '../support/children.ts';
import { benchMachine, makeBenchSite } from '../support/site.ts';

const MACHINES = 10_000;
/** Of whom so many are logged on and may, beside the one whose login is measured. */
const LOGGED_ON = 9_000;
const RUNS = 41;

/** From a login to an address that nftables lets through: the answer of presencesync, the feed, the set; all real, on a large site. */
const bench: Bench = async (report) => {
  const wires = makeWires([]);
  const nft = ['ip', 'netns', 'exec', wires.gateway, 'nft'];
  const test = await makeBenchSite(MACHINES, { log: { level: 'error' }, firewall: { nft } });
  const { site } = test;
  const children: Child[] = [];
  const monitor = spawn(nft[0]!, [...nft.slice(1), 'monitor', 'elements'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const store = await test.store();
    const ips = new Map(
      ((await store.knex('machines').select('hostname', 'ip')) as { hostname: string; ip: string }[]).map(
        ({ hostname, ip }) => [hostname, ip],
      ),
    );
    const person = (n: number) => ({
      ...{ login: `u${n}`, firstname: '', lastname: '', uid: 10_000 + n, group: 'user' },
      ...{ password_hash: '$6$abcdefgh$aaaaaaaa', shell: '/bin/bash', ssh_key: '' },
    });
    await store.knex.batchInsert('users', Array.from({ length: LOGGED_ON + 1 }, (_, i) => person(i + 1)), 50); // prettier-ignore
    const seen = createEvents(monitor.stdout);
    for (const name of ['mdbsync', 'udbsync', 'presencesync', 'contestsync'])
      children.push(await startScript(proloBin, ['daemon', name, '--config', site.file], /^ready$/m));
    const tell = async (verb: 'login' | 'logout', n: number): Promise<void> => {
      const data = JSON.stringify({ login: `u${n}`, hostname: benchMachine(n).hostname });
      const hmac = makeToken(site.secret('presencesync.publish'), data, Date.now());
      const body = new URLSearchParams({ data, hmac });
      const response = await fetch(`http://127.0.0.1:${site.config.portBase + 60}/${verb}`, {
        method: 'POST',
        body,
      });
      if (!response.ok) throw new Error(await response.text());
    };
    for (let n = 1; n <= LOGGED_ON; n += 50)
      await Promise.all(
        Array.from({ length: Math.min(50, LOGGED_ON + 1 - n) }, (_, i) => tell('login', n + i)),
      );
    children.push(await startScript(proloBin, ['daemon', 'firewall', '--config', site.file], /^ready$/m));
    await seen.event('add', ips.get(benchMachine(LOGGED_ON).hostname)!);

    const last = LOGGED_ON + 1;
    const address = ips.get(benchMachine(last).hostname)!;
    const opened: number[] = [];
    const closed: number[] = [];
    for (let run = -3; run < RUNS; run++)
      for (const [verb, event, times] of [
        ['login', 'add', opened],
        ['logout', 'delete', closed],
      ] as const) {
        const startMs = performance.now();
        const there = seen.event(event, address);
        await tell(verb, last);
        await there;
        if (run >= 0) times.push(performance.now() - startMs);
      }
    const [openMs, closeMs] = [median(opened), median(closed)];
    const slowest = Math.max(...opened, ...closed);
    report(
      `${openMs.toFixed(1)} ms to open, ${closeMs.toFixed(1)} ms to close, slowest ${slowest.toFixed(1)} ms`,
    );
    return [
      atMost(
        'firewall-open-ms',
        openMs,
        100,
        `ms from the login to nftables; ${MACHINES} machines, ${LOGGED_ON} of them open`,
        RUNS,
      ),
      atMost(
        'firewall-change-ms',
        Math.max(openMs, closeMs),
        50,
        `ms, one change among ${MACHINES} machines, the slower of login and logout; slowest of all ${slowest.toFixed(0)} ms`,
        RUNS,
      ),
    ];
  } finally {
    monitor.kill();
    for (const child of children.reverse()) await child.stop();
    wires.remove();
    await test.remove();
  }
};

/** What `nft monitor` says of elements, as it comes. */
function createEvents(from: NodeJS.ReadableStream) {
  const waiting = new Map<string, () => void>();
  createInterface({ input: from }).on('line', (line) => {
    const verb = /^(add|delete) element/.exec(line)?.[1];
    for (const [address] of line.matchAll(/\d+\.\d+\.\d+\.\d+/g)) waiting.get(`${verb} ${address}`)?.();
  });
  return {
    event: (verb: 'add' | 'delete', address: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`nftables: never ${verb} ${address}`)), 30_000);
        waiting.set(`${verb} ${address}`, () => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

export default bench;
