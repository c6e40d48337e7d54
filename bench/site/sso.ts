import { setTimeout as sleep } from 'node:timers/promises';
import { proloBin } from '../../test/support/cli.ts';
import { atLeast, type Bench, median } from '../figure.ts';
import { type Child, startScript } from '../support/children.ts';
import { askAll, cpuSeconds } from '../support/http-load.ts';
import { benchMachine, makeBenchSite } from '../support/site.ts';

const MACHINES = 1_000;
const REQUESTS = 60_000;
const CONNECTIONS = 32;
const RUNS = 9;

/** Who sits at an address: answers a second of the daemon's CPU, against a bare node:http server with the same body. */
const bench: Bench = async (report) => {
  const test = await makeBenchSite(MACHINES, { log: { level: 'error' } });
  const { config, file } = test.site;
  const children: Child[] = [];
  try {
    const store = await test.store();
    const [machine] = (await store.knex('machines').where({ hostname: benchMachine(1).hostname })) as {
      ip: string;
      hostname: string;
    }[];
    const start = async (name: string): Promise<Child> => {
      const child = await startScript(proloBin, ['daemon', name, '--config', file], /^ready$/m);
      children.push(child);
      return child;
    };
    await start('mdbsync');
    await start('presencesync');
    const sso = await start('sso');
    const port = config.portBase + 131;
    const headers = `x-real-ip: ${machine!.ip}\r\n`;
    const ask = async (): Promise<string> =>
      (await fetch(`http://127.0.0.1:${port}/`, { headers: { 'x-real-ip': machine!.ip } })).text();
    let body = await ask();
    for (let tries = 0; tries < 100 && !body.includes(machine!.ip); tries++) {
      await sleep(50);
      body = await ask();
    }
    if (!body.includes(machine!.ip)) throw new Error(`sso does not know ${machine!.ip}: ${body}`);
    const bare = await startScript('bench/support/bare-http.ts', [body], /^port (\d+)$/m);
    children.push(bare);
    const paths = Array.from({ length: REQUESTS }, () => '/');
    const sides = [
      { pid: sso.pid, port, rates: [] as number[] },
      { pid: bare.pid, port: Number(bare.match[1]), rates: [] as number[] },
    ];
    for (let run = -2; run < RUNS; run++)
      for (const side of run % 2 ? sides : [...sides].reverse()) {
        const before = cpuSeconds(side.pid);
        await askAll(side.port, paths, CONNECTIONS, headers);
        if (run >= 0) side.rates.push(REQUESTS / (cpuSeconds(side.pid) - before));
      }
    const [ours, theirs] = sides.map(({ rates }) => median(rates)) as [number, number];
    const against = `${ours.toFixed(0)} a CPU second; bare node:http: ${theirs.toFixed(0)}`;
    report(against);
    return [atLeast('sso-answers', ours / theirs, 0.7, against, RUNS)];
  } finally {
    for (const child of children.reverse()) await child.stop();
    await test.remove();
  }
};

export default bench;
