import { changeMachines } from '../../src/lib/mdb/machines.ts';
import { proloBin } from '../../test/support/cli.ts';
import { atLeast, type Bench, median } from '../figure.ts';
import { type Child, startScript } from '../support/children.ts';
import { askAll, cpuSeconds } from '../support/http-load.ts';
import { benchMachine, makeBenchSite } from '../support/site.ts';

const MACHINES = 1_000;
const REQUESTS = 40_000;
const CONNECTIONS = 32;
const RUNS = 9;

/** Boot scripts a second of the server's CPU, against a bare node:http server with the same body. */
const bench: Bench = async (report) => {
  const test = await makeBenchSite(MACHINES, { log: { level: 'error' } });
  const { config, file } = test.site;
  const children: Child[] = [];
  try {
    const aliases = Array.from({ length: 10 }, (_, i) => `rfs${i}`);
    const server = { ...benchMachine(MACHINES + 1), hostname: 'rhfs', aliases };
    await changeMachines(await test.store(), config, 'bench', () => ({ wishes: [{ input: server }] }));
    const netboot = await startScript(proloBin, ['daemon', 'netboot', '--config', file], /^ready$/m);
    children.push(netboot);
    const port = config.portBase + 20;
    const paths = Array.from(
      { length: REQUESTS },
      (_, i) => `/boot/${benchMachine((i % MACHINES) + 1).mac}/`,
    );
    const body = await (await fetch(`http://127.0.0.1:${port}${paths[0]}`)).text();
    if (!body.includes('nfsroot=')) throw new Error(`no boot script: ${body}`);
    const bare = await startScript('bench/support/bare-http.ts', [body], /^port (\d+)$/m);
    children.push(bare);

    const sides = [
      { pid: netboot.pid, port, rates: [] as number[] },
      { pid: bare.pid, port: Number(bare.match[1]), rates: [] as number[] },
    ];
    for (let run = -2; run < RUNS; run++)
      for (const side of run % 2 ? sides : [...sides].reverse()) {
        const before = cpuSeconds(side.pid);
        await askAll(side.port, paths, CONNECTIONS);
        if (run >= 0) side.rates.push(REQUESTS / (cpuSeconds(side.pid) - before));
      }
    const [ours, theirs] = sides.map(({ rates }) => median(rates)) as [number, number];
    const against = `${ours.toFixed(0)} a CPU second; bare node:http: ${theirs.toFixed(0)}`;
    report(against);
    return [atLeast('netboot-boot', ours / theirs, 0.7, against, RUNS)];
  } finally {
    for (const child of children.reverse()) await child.stop();
    await test.remove();
  }
};

export default bench;
