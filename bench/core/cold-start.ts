import { spawnSync } from 'node:child_process';
import { atMost, type Bench, median } from '../figure.ts';
import { proloBin } from '../../test/support/cli.ts';
import { makeBenchSite } from '../support/site.ts';

const RUNS = 31;

/** What a person waits for at the prompt: the program's start, and a list of 1,000 machines. */
const bench: Bench = async (report) => {
  const test = await makeBenchSite(1000);
  try {
    await (await test.store()).knex.raw('pragma wal_checkpoint(truncate)');
    const config = test.site.file;
    const sides: Record<string, string[]> = {
      node: ['-e', '0'],
      version: [proloBin, '--version'],
      list: [proloBin, 'mdb', 'list', '--config', config],
    };
    const timesMs = Object.fromEntries(Object.keys(sides).map((side) => [side, [] as number[]]));
    for (let run = -2; run < RUNS; run++)
      for (const [side, args] of Object.entries(sides)) {
        const tookMs = timeRun(args);
        if (run >= 0) timesMs[side]!.push(tookMs);
      }
    const ms = Object.fromEntries(Object.entries(timesMs).map(([side, values]) => [side, median(values)]));
    const against = `node -e 0: ${ms.node!.toFixed(0)} ms`;
    for (const [side, value] of Object.entries(ms)) report(`${side}: ${value.toFixed(1)} ms`);
    return [
      atMost(
        'cold-start-version',
        ms.version! / ms.node!,
        2.2,
        `${ms.version!.toFixed(0)} ms; ${against}`,
        RUNS,
      ),
      atMost(
        'cold-start-mdb-list-1000',
        ms.list! / ms.node!,
        3,
        `${ms.list!.toFixed(0)} ms; ${against}`,
        RUNS,
      ),
    ];
  } finally {
    await test.remove();
  }
};
export default bench;

function timeRun(args: string[]): number {
  const startedMs = performance.now();
  const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const tookMs = performance.now() - startedMs;
  if (status !== 0) throw new Error(`${args.join(' ')}: exit status ${status}`);
  return tookMs;
}
