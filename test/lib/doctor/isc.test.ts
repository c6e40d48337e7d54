import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { dhcpPaths } from '../../../src/lib/dhcp/paths.ts';
import { planDhcp } from '../../../src/lib/dhcp/plan.ts';
import { renderIsc } from '../../../src/lib/dhcp/isc.ts';
import { addMachine, listMachines } from '../../../src/lib/mdb/machines.ts';
import { type DhcpWire, makeDhcpWire, unconfined } from '../../support/dhcp-wire.ts';
import { needs } from '../../support/needs.ts';
import { makeTestSite, type TestSite } from '../../support/site.ts';
import { complaints, doctor } from './support.ts';

describe('the doctor and a real dhcpd', function () {
  this.timeout(60_000);
  let test: TestSite;
  let wire: DhcpWire | undefined;
  let dhcpd: ChildProcess | undefined;

  before(async function () {
    needs(this, { dhcpd: 'isc-dhcp-server', ip: 'iproute2' });
    if (process.getuid?.() !== 0) this.skip();
    wire = makeDhcpWire();
    test = await makeTestSite({ dhcp: { server: 'isc' } });
    mkdirSync(dhcpPaths(test.site).dir, { recursive: true });
    for (const n of [1, 2]) await add(n);
    await write();
    dhcpd = await startDhcpd();
  });
  after(async () => {
    await stopDhcpd();
    wire?.remove();
    await test?.remove();
  });

  const add = async (n: number): Promise<unknown> =>
    addMachine(await test.store(), test.site.config, 'test', {
      hostname: `pc${n}`,
      mac: `02:00:00:00:00:0${n}`,
    });
  const paths = () => {
    const { dir, names } = dhcpPaths(test.site);
    return { conf: join(dir, names.isc), hosts: join(dir, names.iscHosts), log: join(dir, 'log') };
  };
  /** What mdbdhcp writes. */
  async function write(): Promise<void> {
    const { conf, hosts } = paths();
    const { config } = test.site;
    const files = renderIsc(config, planDhcp(config, await listMachines((await test.store()).knex)), hosts);
    writeFileSync(conf, files.config);
    writeFileSync(hosts, files.hosts);
  }
  async function startDhcpd(): Promise<ChildProcess> {
    const { conf, hosts } = paths();
    const leases = `${hosts}.leases`;
    writeFileSync(leases, '');
    const own = ['dhcpd', '-4', '-f', '-cf', conf, '-lf', leases, '-pf', `${hosts}.pid`, 'gw0'];
    const argv = ['netns', 'exec', wire!.gateway, ...unconfined(), ...own];
    const child = spawn('ip', argv, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (part: Buffer) => (said += part.toString()));
    for (let tries = 0; !/:0043 /.test(readFileSync(`/proc/${child.pid}/net/udp`, 'latin1')); tries++) {
      if (tries > 200 || child.exitCode !== null) throw new Error(`dhcpd does not start: ${said}`);
      await sleep(50);
    }
    return child;
  }
  async function stopDhcpd(): Promise<void> {
    if (!dhcpd || dhcpd.exitCode !== null || dhcpd.signalCode !== null) return;
    const gone = new Promise((resolve) => dhcpd!.once('exit', resolve));
    dhcpd.kill('SIGTERM');
    await gone;
  }
  /** `/proc` of a process of the gateway's: its sockets are those of its namespace. */
  const look = async (proc: string) => doctor(test.site.file, 'dhcp', { proc });

  it('runs, and knows every machine; lacks one; is not running', async () => {
    const proc = `/proc/${dhcpd!.pid}`;
    const well = await look(proc);
    expect(well.findings).to.deep.equal([{ colour: 'green', what: 'isc runs, with 2 machines' }]);

    await add(3);
    const lacking = await look(proc);
    expect(complaints(lacking)).to.deep.equal(['red: 1 machines that isc does not know: pc3']);
    expect(lacking.findings[0]!.fix).to.match(/^systemctl restart prolo-mdbdhcp/);
    await write();
    expect(complaints(await look(proc))).to.deep.equal([]);

    await stopDhcpd();
    const holder = spawn('ip', ['netns', 'exec', wire!.gateway, 'sleep', '60']);
    await new Promise((resolve) => holder.once('spawn', resolve));
    try {
      const off = await look(`/proc/${holder.pid}`);
      expect(complaints(off)).to.deep.equal(['red: dhcpd: not running: nobody listens on port 67']);
      expect(off.findings[0]!.fix).to.match(/^systemctl restart isc-dhcp-server/);
    } finally {
      holder.kill('SIGKILL');
    }
  });
});
