import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { renderTable } from '../../../src/lib/hfs/firewall.ts';
import { endProcess, isAlive, launch, unitArgv } from '../../../src/lib/hfs/launch.ts';
import { createLocks } from '../../../src/lib/locks.ts';
import { createSlots } from '../../../src/lib/hfs/slots.ts';
import { connectedClients, isListening } from '../../../src/lib/hfs/tcp-table.ts';
import { run } from '../../../src/lib/exec.ts';
import { needs } from '../../support/needs.ts';

describe('places for moves', () => {
  it('are as many as the site says, and go to logins before background work', async () => {
    const slots = createSlots(1);
    const order: string[] = [];
    const first = await slots.take(false);
    const rest = (['background', 'login'] as const).map(async (who) => {
      const free = await slots.take(who === 'login');
      order.push(who);
      free();
    });
    expect(order).to.deep.equal([]);
    first();
    first(); // given back once, whoever says so twice
    await Promise.all(rest);
    expect(order).to.deep.equal(['login', 'background']);
  });
});

describe('one thing at a time for each login', () => {
  it('goes on after one that failed, and lets other logins be', async () => {
    const locked = createLocks();
    const order: string[] = [];
    let release = (): void => undefined;
    const slow = locked('alice', () => new Promise<void>((resolve) => (release = resolve)));
    const failing = locked('alice', () => Promise.reject(new Error('no'))).catch(() => order.push('failed'));
    const last = locked('alice', () => Promise.resolve(order.push('last')));
    await locked('bob', () => Promise.resolve(order.push('bob')));
    release();
    await Promise.all([slow, failing, last]);
    expect(order).to.deep.equal(['bob', 'failed', 'last']);
  });
});

describe('/proc/net/tcp', () => {
  it('tells who is connected to which port, and which have somebody who listens', () => {
    const text = `  sl  local_address rem_address   st tx_queue
   0: 0100007F:9C40 00000000:0000 0A 00000000:00000000
   1: 0101A8C0:9C41 7F00A8C0:D431 01 00000000:00000000
   2: 0101A8C0:9C42 7F00A8C0:D432 06 00000000:00000000`;
    expect([...connectedClients(text)]).to.deep.equal([['192.168.1.1:40001', '192.168.0.127']]);
    expect(isListening(text, '127.0.0.1:40000')).to.equal(true);
    for (const other of ['127.0.0.1:40001', '192.168.1.1:40001', '127.0.0.1:4000'])
      expect(isListening(text, other), other).to.equal(false);
  });
});

describe('a process that outlives its starter', () => {
  it('is known by its start time too, and ended by that', async () => {
    const id = await launch('prolo-home@0-test', ['sleep', '60'], '/dev/null');
    expect(isAlive(id)).to.equal(true);
    await endProcess({ ...id, startTicks: id.startTicks + 1 });
    expect(isAlive(id), 'another process of that pid is left alone').to.equal(true);
    await endProcess(id);
    expect(isAlive(id)).to.equal(false);
  });

  it('is not confused with one of the same pid', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    expect(isAlive({ pid: child.pid!, startTicks: 1 })).to.equal(false);
  });

  it('gets a unit of its own under systemd', () => {
    expect(unitArgv('prolo-home@2-alice', ['qemu-storage-daemon', '--monitor', 'x'])).to.deep.equal([
      'systemd-run',
      '--quiet',
      '--collect',
      '--unit=prolo-home@2-alice',
      '--slice=prolo-homes.slice',
      '--property=OOMScoreAdjust=-900',
      '--',
      'qemu-storage-daemon',
      '--monitor',
      'x',
    ]);
  });
});

describe('the firewall of homes', () => {
  it('is what nftables takes, and taken twice it is the same', async function () {
    needs(this, { nft: 'nftables', unshare: 'util-linux' });
    const rules = renderTable('40000-49999');
    const input = `${rules}${rules}add element inet prolo-homes seats { 192.168.0.7 . 40001 }\n`;
    const inside = 'nft -f - && nft list table inet prolo-homes';
    const { stdout, stderr } = await run(['unshare', '-n', 'sh', '-c', inside], { input });
    expect(stderr).to.equal('');
    expect(stdout.match(/dport 40000-49999/g)).to.have.length(2);
    expect(stdout).to.contain('192.168.0.7 . 40001');
  });
});
