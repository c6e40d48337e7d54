import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeToken } from '../../src/lib/rpc/token.ts';
import { toRecord } from '../../src/lib/mdb/record.ts';
import { listMachines } from '../../src/lib/mdb/machines.ts';
import { change } from '../../src/lib/store/change-log.ts';
import { atMost, type Bench, type Figure, median } from '../figure.ts';
import { proloBin } from '../../test/support/cli.ts';
import { type Child, startScript, startSubscribers, type Subscribers } from '../support/children.ts';
import { makeBenchSite } from '../support/site.ts';

const MACHINES = 140;
const SUBSCRIBERS = 1_000;
const MANY = 10_000;
const RUNS = 41;
const WARM_UP = 5;

/**
 * How long a change takes to the last of 1,000 subscribers, from the moment that another process has written it into the
 * database; against a bare node:http server, from the moment that it is handed the bytes. Then what 10,000 subscribers
 * cost in memory.
 */
const bench: Bench = async (report) => {
  const test = await makeBenchSite(MACHINES, { log: { level: 'error' } });
  const { site } = test;
  const port = site.config.portBase + 10;
  const poll = `/poll?${new URLSearchParams({ data: '{}', hmac: makeToken(site.secret('mdbsync.subscribe'), 'None', Date.now()) })}`;
  const children: (Child | Subscribers)[] = [];
  try {
    const store = await test.store();
    const machines = (await listMachines(store.knex)).map(toRecord);
    const daemon = await startScript(proloBin, ['daemon', 'mdbsync', '--config', site.file], /^ready$/m);
    children.push(daemon);
    const state = `${JSON.stringify(machines.map((data) => ({ type: 'update', data })))}\n`;
    const bare = await startScript('bench/support/bare-feed.ts', [state], /^port (\d+)$/m);
    children.push(bare);
    const barePort = Number(bare.match[1]);

    const record = (run: number) => ({ ...machines[run % MACHINES]!, rfs: run });
    /** A change as `prolo mdb set` makes it: a row and a line of the log, in one transaction. */
    const write = async (run: number): Promise<void> => {
      const data = record(run);
      await change(store, 'mdb', 'bench', async (tx) => {
        await tx('machines').where({ hostname: data.hostname }).update({ rfs: run });
        return { value: undefined, updates: [{ type: 'update', data }] };
      });
    };
    const hand = (run: number): Promise<void> =>
      post(barePort, `${JSON.stringify([{ type: 'update', data: record(run) }])}\n`);

    const followers = await startSubscribers(port, poll, SUBSCRIBERS, 1);
    const bareFollowers = await startSubscribers(barePort, '/', SUBSCRIBERS, 1);
    children.push(followers, bareFollowers);
    const [writtenMs, beganMs, bareMs]: number[][] = [[], [], []];
    const feed = async (run: number): Promise<void> => {
      const times = await timeToLast(followers, () => write(run));
      writtenMs!.push(times.afterMs);
      beganMs!.push(times.beforeMs);
    };
    const peer = async (run: number): Promise<void> => {
      bareMs!.push((await timeToLast(bareFollowers, () => hand(run))).beforeMs);
    };
    for (let run = 0; run < RUNS + WARM_UP; run++)
      for (const side of run % 2 ? [feed, peer] : [peer, feed]) {
        await side(run);
        await sleep(20);
      }
    const [written, began, bareTime] = [writtenMs!, beganMs!, bareMs!].map((times) => median(times.slice(WARM_UP))) as [number, number, number]; // prettier-ignore
    const against = `${written.toFixed(1)} ms from the commit, ${began.toFixed(1)} from before it; bare node:http: ${bareTime.toFixed(1)}`;
    report(`to the last of ${SUBSCRIBERS}: ${against}`);
    const figures: Figure[] = [atMost('feed-change-1000', written / bareTime, 1.5, against, RUNS)];

    await followers.stop();
    await bareFollowers.stop();
    const many = await startSubscribers(port, poll, MANY, 4);
    children.push(many);
    for (let run = 0; run < 5; run++) await timeToLast(many, () => write(run));
    const { nowMib, peakMib } = memory(daemon.pid);
    report(`${MANY} subscribers: ${nowMib.toFixed(0)} MiB resident, ${peakMib.toFixed(0)} at most`);
    figures.push(
      atMost('feed-memory-10000-mib', peakMib, 400, 'MiB resident at most, of the whole process', 1),
    );
    return figures;
  } finally {
    agent.destroy();
    for (const child of children.reverse()) await child.stop();
    await test.remove();
  }
};
export default bench;

const agent = new Agent({ keepAlive: true });

async function post(port: number, body: string): Promise<void> {
  const sent = request({
    agent,
    port,
    method: 'POST',
    headers: { 'content-length': Buffer.byteLength(body) },
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  await once(response.resume(), 'end');
}

/** Until the last subscriber has its line: from before `act` begins, and from its end. */
async function timeToLast(
  subscribers: Subscribers,
  act: () => Promise<void>,
): Promise<{ beforeMs: number; afterMs: number }> {
  const before = process.hrtime.bigint();
  const last = subscribers.nextLine();
  await act();
  const after = process.hrtime.bigint();
  const at = await last;
  return { beforeMs: Number(at - before) / 1e6, afterMs: Number(at - after) / 1e6 };
}

function memory(pid: number): { nowMib: number; peakMib: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mib = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)![1]) / 1024;
  return { nowMib: mib('VmRSS'), peakMib: mib('VmHWM') };
}
