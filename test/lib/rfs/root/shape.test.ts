import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { run, runOk } from '../../../../src/lib/exec.ts';
import { packageRoot } from '../../../../src/lib/package-root.ts';
import { needs } from '../../../support/needs.ts';

const SHAPE = join(packageRoot, 'templates/rfs/root/shape');
const TRAFFIC = join(packageRoot, 'test/support/traffic.mjs');
/** So slow that what waits in a switch is a long time. */
const MBIT = 20;
const QUEUE_BYTES = 750_000;

/** A PC, a switch whose ports are slow and keep much, and a server. */
describe('the traffic of a PC', function () {
  this.timeout(120_000);
  const [pc, between, server] = ['pc', 'sw', 'srv'].map((name) => `prolo-shape-${process.pid}-${name}`) as [
    string,
    string,
    string,
  ];
  const running: ChildProcess[] = [];
  let dir: string;

  before(async function () {
    needs(this, { ip: 'iproute2', tc: 'iproute2' });
    if (process.getuid?.() !== 0) this.skip();
    dir = mkdtempSync(join(tmpdir(), 'prolo-shape-'));
    writeFileSync(
      join(dir, 'shaping'),
      `link ${MBIT}\nreserved 20\nfirst local 22 0xffff\nstorage remote 2049 0xffff\n`,
    );
    for (const netns of [pc, between, server]) await runOk(['ip', 'netns', 'add', netns]);
    // One that fills what queues there are, as those of most PCs; with BBR some hosts' kernels leave none to see.
    for (const netns of [pc, server])
      await runOk(['ip', 'netns', 'exec', netns, 'sysctl', '-qw', 'net.ipv4.tcp_congestion_control=reno']);
    const slow = ['root', 'tbf', 'rate', `${MBIT}mbit`, 'burst', '16k', 'limit', String(QUEUE_BYTES)];
    for (const [netns, port, address] of [
      [pc, 'port0', '10.9.0.1/24'],
      [server, 'port1', '10.9.0.2/24'],
    ] as const)
      for (const argv of [
        ['ip', '-n', netns, 'link', 'add', 'lan0', 'type', 'veth', 'peer', 'name', port, 'netns', between],
        ['ip', '-n', netns, 'addr', 'add', address, 'dev', 'lan0'],
        ['ip', '-n', netns, 'link', 'set', 'lan0', 'up'],
        ['ip', '-n', between, 'link', 'set', port, 'up'],
        ['tc', '-n', between, 'qdisc', 'add', 'dev', port, ...slow],
      ])
        await runOk(argv);
    for (const argv of [
      ['link', 'add', 'br0', 'type', 'bridge', 'forward_delay', '0'],
      ['link', 'set', 'port0', 'master', 'br0'],
      ['link', 'set', 'port1', 'master', 'br0'],
      ['link', 'set', 'br0', 'up'],
    ])
      await runOk(['ip', '-n', between, ...argv]);
  });
  after(async () => {
    for (const child of running) child.kill('SIGKILL');
    for (const netns of [pc, between, server]) await run(['ip', 'netns', 'del', netns]);
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  const inside = (netns: string, role: string, address: string, port: number): string[] => [
    ...['ip', 'netns', 'exec', netns, process.execPath, TRAFFIC, role, address, String(port)],
  ];

  async function start(...where: Parameters<typeof inside>): Promise<void> {
    const [file = '', ...args] = inside(...where);
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    running.push(child);
    await once(child.stdout, 'data');
  }

  /** Bytes that wait in the switch, the most of five looks both ways. */
  async function waiting(): Promise<number> {
    let most = 0;
    for (let look = 0; look < 5; look++) {
      for (const port of ['port0', 'port1']) {
        const { stdout } = await runOk(['tc', '-n', between, '-s', '-j', 'qdisc', 'show', 'dev', port]);
        most = Math.max(most, (JSON.parse(stdout) as [{ backlog: number }])[0].backlog);
      }
      await delay(50);
    }
    return most;
  }

  async function until(holds: (bytes: number) => boolean): Promise<void> {
    let found = await waiting();
    for (let i = 0; i < 100 && !holds(found); i++) found = await waiting();
    expect(holds(found), `${found} bytes wait in the switch`).to.equal(true);
  }

  const shape = (what: string): Promise<string> =>
    runOk(['ip', 'netns', 'exec', pc, 'dash', SHAPE, what, 'lan0']).then(({ stdout }) => stdout);

  it('leaves room for SSH, however much a file server sends it, and it sends', async () => {
    await start(pc, 'echo', '10.9.0.1', 22);
    await start(server, 'sink', '10.9.0.2', 2049);
    const said = await shape(join(dir, 'shaping'));
    expect(said).to.match(/what lan0 sends, and what it receives: 19000 kbit\/s, of which 3800 /);
    for (let i = 0; i < 2; i++) await start(pc, 'flood', '10.9.0.2', 2049);
    // What their first burst left in the switch goes at what the link carries beyond 95%.
    await until((bytes) => bytes < QUEUE_BYTES / 4);
    const { stdout: echoes } = await runOk(inside(server, 'ask', '10.9.0.1', 22), { timeoutMs: 60_000 });
    expect(echoes.trim().split('\n').length).to.equal(7);
    const { stdout } = await runOk(['tc', '-n', pc, '-s', 'class', 'show', 'dev', 'lan0', 'classid', '1:20']);
    expect(Number(/Sent (\d+) bytes/.exec(stdout)?.[1])).to.be.above(100_000);
    await shape('off');
    await until((bytes) => bytes > QUEUE_BYTES / 2);
  });

  it('is as it was before when shaping is taken away, and another time changes nothing', async () => {
    await shape(join(dir, 'shaping'));
    await shape('off');
    const { stdout } = await runOk(['tc', '-n', pc, 'qdisc', 'show']);
    expect(stdout).not.to.match(/htb|ingress/);
    const links = await runOk(['ip', '-n', pc, 'link']);
    expect(links.stdout).not.to.match(/prolo-in/);
  });

  it('is not held up where there is no link', async () => {
    const { stdout, exitCode } = await run([
      'ip',
      'netns',
      'exec',
      pc,
      'dash',
      SHAPE,
      join(dir, 'shaping'),
      'gone0',
    ]);
    expect(exitCode).to.equal(0);
    expect(stdout)
      .to.match(/cannot shape what gone0 sends/)
      .and.match(/cannot shape what gone0 receives/);
  });
});
