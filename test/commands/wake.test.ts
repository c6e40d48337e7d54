import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { changeMachines } from '../../src/lib/mdb/machines.ts';
import { saveSwitch } from '../../src/lib/mdb/switches.ts';
import { magicPacket } from '../../src/lib/power/wake.ts';
import type { Outcome } from '../../src/lib/ssh/protocol.ts';
import { proloBin } from '../support/cli.ts';
import { eventually } from '../support/lab.ts';
import { needs } from '../support/needs.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

/** Prints each packet that comes to the port of wake-on-LAN as `MILLISECONDS HEX`, after a line that it is ready. */
const LISTENER = `
const socket = require('dgram').createSocket('udp4');
socket.on('message', (packet) => console.log(Date.now() + ' ' + packet.toString('hex')));
socket.bind(9, () => console.log('ready'));`;

describe('prolo wake', function () {
  this.timeout(60_000);
  const netns = { gateway: `prolo-wake-${process.pid}-g`, seat: `prolo-wake-${process.pid}-s` };
  let test: TestSite | undefined;
  let listener: ChildProcess | undefined;
  let heard = '';

  before(async function () {
    needs(this, { ip: 'iproute2' });
    if (process.getuid?.() !== 0) {
      if (process.env.CI === 'true') throw new Error('namespaces need root');
      this.skip();
    }
    // The gateway and a seat on one wire; the network of the cluster is not on it.
    const ip = (...args: string[]) => execFileSync('ip', args);
    for (const name of Object.values(netns)) ip('netns', 'add', name);
    ip(
      '-n',
      netns.gateway,
      'link',
      'add',
      'lan',
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      netns.seat,
    );
    ip('-n', netns.gateway, 'addr', 'add', '192.168.1.254/23', 'dev', 'lan');
    ip('-n', netns.seat, 'addr', 'add', '192.168.0.200/23', 'dev', 'eth0');
    ip('-n', netns.gateway, 'link', 'set', 'lan', 'up');
    ip('-n', netns.seat, 'link', 'set', 'eth0', 'up');
    listener = spawn('ip', ['netns', 'exec', netns.seat, process.execPath, '-e', LISTENER], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    listener.stdout!.on('data', (part: Buffer) => (heard += part.toString()));
    await once(listener.stdout!, 'data');

    test = await makeTestSite();
    const store = await test.store();
    const pc = (n: number) => ({
      hostname: `pas-r01p0${n}`,
      mac: `52:54:00:00:00:0${n}`,
      ip: n === 5 ? '192.168.2.5' : `192.168.0.${n}`,
      room: 'pasteur',
      mtype: n === 5 ? 'cluster' : 'user',
    });
    await changeMachines(store, test.site.config, 'test', () => ({
      wishes: [1, 2, 3, 4, 5].map((n) => ({ input: pc(n) })),
    }));
    const chassis = '68:b5:99:9f:45:40';
    await saveSwitch(store, test.site.config, 'test', {
      name: 'sw1',
      chassis,
      room: 'pasteur',
      rfs: 0,
      hfs: 0,
    });
  });
  after(async () => {
    listener?.kill('SIGKILL');
    for (const name of Object.values(netns))
      try {
        execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
      } catch {
        // it was not made
      }
    await test?.remove();
  });

  const wake = async (...args: string[]) => {
    const command = ['netns', 'exec', netns.gateway, process.execPath, proloBin, 'wake', ...args];
    const child = spawn('ip', command, {
      env: { ...process.env, PROLO_CONFIG: test!.site.file },
      stdio: 'pipe',
    });
    child.stdin.end();
    let stdout = '';
    child.stdout.on('data', (part: Buffer) => (stdout += part.toString()));
    const [status] = (await once(child, 'close')) as [number];
    return { status, stdout };
  };

  it('sends each machine its packet into its network, some of a switch at a time', async () => {
    const { status, stdout } = await wake('pas-r01p0[1-3]', '--per-switch=2', '--wave-seconds=1', '--json');
    expect(status).to.equal(0);
    const { waves } = JSON.parse(stdout) as { waves: object[] };
    expect(waves).to.deep.equal([
      { atSeconds: 0, machines: ['pas-r01p01', 'pas-r01p02'] },
      { atSeconds: 1, machines: ['pas-r01p03'] },
    ]);
    await eventually(
      () => Promise.resolve(heard.split('\n').length),
      (lines) => lines > 10,
    );
    const packets = heard
      .split('\n')
      .slice(1, -1)
      .map((line) => line.split(' '))
      .map(([ms, hex]) => ({ ms: Number(ms), hex }));
    const of = (n: number) => {
      const expected = magicPacket(`52:54:00:00:00:0${n}`).toString('hex');
      return packets.filter(({ hex }) => hex === expected);
    };
    expect([1, 2, 3].map((n) => of(n).length)).to.deep.equal([3, 3, 3]);
    expect(packets).to.have.length(9);
    expect(of(3)[0]!.ms - of(1)[0]!.ms).to.be.greaterThan(500);
  });

  it('says of which machines there is no way to their network', async () => {
    const { status, stdout } = await wake('@all', '--json', '--wave-seconds=0');
    const { outcomes } = JSON.parse(stdout) as { outcomes: Outcome[] };
    const bad = outcomes.filter((outcome) => outcome.status !== 'ok');
    expect(bad.map(({ hostname }) => hostname)).to.deep.equal(['pas-r01p05']);
    expect(bad[0]!.reason).to.match(/^no way to send to 192\.168\.2\.255: .*ENETUNREACH/);
    expect(outcomes).to.have.length(5);
    expect(status).to.equal(1);
  });
});
