import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { pino } from 'pino';
import { start as startMdbdhcp } from '../../src/daemons/mdbdhcp.ts';
import { start as startMdbsync } from '../../src/daemons/mdbsync.ts';
import { createRunProgram } from '../../src/lib/apply/programs.ts';
import { askKea } from '../../src/lib/dhcp/kea-control.ts';
import { createKeaServer } from '../../src/lib/dhcp/kea-server.ts';
import { type DhcpPaths, dhcpPaths, makeKeaFolders } from '../../src/lib/dhcp/paths.ts';
import { planDhcp } from '../../src/lib/dhcp/plan.ts';
import type { ProloError } from '../../src/lib/errors.ts';
import { silentLog } from '../../src/lib/log.ts';
import { addMachine, removeMachines, updateMachine } from '../../src/lib/mdb/machines.ts';
import type { MachineRecord } from '../../src/lib/mdb/record.ts';
import type { Update } from '../../src/lib/store/change-log.ts';
import type { Store } from '../../src/lib/store/store.ts';
import { type DhcpClient, openDhcpClient, SAYS } from '../support/dhcp-client.ts';
import { decodeOptions, type DhcpReply } from '../support/dhcp-packet.ts';
import { type DhcpWire, makeDhcpWire, type RunningKea, startKea, unconfined } from '../support/dhcp-wire.ts';
import { scriptedFeed } from '../support/feed.ts';
import { needs } from '../support/needs.ts';
import { rejection } from '../support/rejection.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';
import { machine } from '../lib/dhcp/fixtures.ts';

const mac = (n: number): string =>
  `52:54:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`;
const record = (n: number, more: Partial<MachineRecord> = {}): MachineRecord => ({
  ...machine(`pas-${n}`, mac(n), `192.168.${(n + 1) >> 8}.${(n + 1) & 255}`),
  ...more,
});
const update = (data: MachineRecord): Update => ({ type: 'update', data });

describe('mdbdhcp', function () {
  this.timeout(60_000);
  let cleanups: (() => Promise<unknown> | void)[] = [];
  const later = (cleanup: () => Promise<unknown> | void): void => void cleanups.push(cleanup);
  let wire: DhcpWire;

  before(function () {
    needs(this, { 'kea-dhcp4': 'kea-dhcp4-server', ip: 'iproute2' });
    if (process.getuid?.() !== 0) {
      if (process.env.CI === 'true') throw new Error('network namespaces need root');
      this.skip();
    }
  });
  beforeEach(() => {
    wire = makeDhcpWire();
    later(wire.remove);
  });
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    cleanups = [];
  });

  interface Site extends TestSite {
    paths: DhcpPaths;
    /** What mdbdhcp logged. */
    said: { level: number; msg: string; error?: string }[];
    errors(): string[];
    startMdbdhcp(): Promise<() => Promise<void>>;
    startKea(): Promise<RunningKea>;
    openClient(): Promise<DhcpClient>;
  }

  /** A site whose Kea is in the gateway's namespace. */
  async function makeSite(dhcp: object = {}, more: object = {}): Promise<Site> {
    const check = ['ip', 'netns', 'exec', wire.gateway, 'kea-dhcp4', '-t'];
    const test = await makeTestSite({ dhcp: { interfaces: ['gw0/192.168.1.254'], check, ...dhcp }, ...more });
    later(test.remove);
    const paths = dhcpPaths(test.site);
    const said: Site['said'] = [];
    const log = pino(
      { level: 'info' },
      { write: (line: string) => said.push(JSON.parse(line) as Site['said'][0]) },
    );
    return {
      ...test,
      paths,
      said,
      errors: () => said.filter(({ level }) => level >= 50).map(({ msg, error }) => `${msg}: ${error}`),
      async startMdbdhcp() {
        const daemon = await startMdbdhcp({ ...test.context, log });
        let closed = false;
        const close = async (): Promise<void> => {
          if (!closed) await daemon.close();
          closed = true;
        };
        later(close);
        return close;
      },
      async startKea() {
        const kea = await startKea(wire.gateway, paths);
        later(() => kea.stop());
        return kea;
      },
      async openClient() {
        const client = await openDhcpClient(wire.seat, 'pc0');
        later(() => client.close());
        return client;
      },
    };
  }

  /** The same, with mdbsync on its own store. */
  async function makeRunningSite(
    dhcp: object = {},
  ): Promise<Site & { kea: RunningKea; client: DhcpClient; db: Store }> {
    const site = await makeSite(dhcp);
    const db = await site.store();
    const mdbsync = await startMdbsync(site.context);
    later(() => mdbsync.close());
    await site.startMdbdhcp();
    await until('the file', () => existsSync(site.paths.config));
    const kea = await site.startKea();
    const client = await site.openClient();
    return { ...site, db, kea, client };
  }

  /** A feed that says what the test says. */
  async function makeFeed(first: Update[]): Promise<{ url: string; send(...updates: Update[]): void }> {
    const open = new Set<ServerResponse>();
    const said = [...first];
    const feed = await scriptedFeed((response) => {
      open.add(response);
      response.write(`${JSON.stringify(said)}\n`);
    });
    later(feed.close);
    return {
      url: feed.url,
      send(...updates) {
        said.push(...updates);
        for (const response of open) response.write(`${JSON.stringify(updates)}\n`);
      },
    };
  }

  async function until(
    what: string,
    holds: () => boolean | Promise<boolean>,
    waitMs = 15_000,
  ): Promise<void> {
    for (const deadline = performance.now() + waitMs; !(await holds()); await sleep(20))
      if (performance.now() > deadline) throw new Error(`${what}: not within ${waitMs} ms`);
  }

  /** Asks until the offer is of that address. */
  async function untilOffered(client: DhcpClient, who: string, ip: string): Promise<DhcpReply> {
    let offer: DhcpReply | undefined;
    await until(
      `${ip} for ${who}`,
      async () => (offer = await client.discover(who, SAYS.ipxe, 300))?.ip === ip,
    );
    return offer!;
  }

  const reloads = (kea: RunningKea): number => kea.log().split("Received command 'config-reload'").length - 1;
  async function served(paths: DhcpPaths): Promise<string[]> {
    const answer = await askKea(paths.socket, 'config-get');
    const { Dhcp4 } = answer.arguments as {
      Dhcp4: { 'shared-networks': { subnet4: { reservations: { hostname: string }[] }[] }[] };
    };
    return Dhcp4['shared-networks'].flatMap(({ subnet4 }) =>
      subnet4.flatMap(({ reservations }) => reservations.map(({ hostname }) => hostname)),
    );
  }

  it('answers a machine as soon as it is in MDB, with its address, its name and its boot file', async () => {
    const { db, site, client } = await makeRunningSite();
    await addMachine(db, site.config, 'test', { hostname: 'pas-r01p01', mac: mac(1), mtype: 'user' });
    const offer = await untilOffered(client, mac(1), '192.168.0.1');
    expect(offer.bootFile).to.equal(`http://192.168.1.254:${site.config.portBase + 20}/bootstrap`);
    expect(offer.nextServer).to.equal('192.168.1.254');
    const text = (code: number): string => offer.options[code]!.toString();
    const bytes = (code: number): number[] => [...offer.options[code]!];
    expect([text(12), text(15)]).to.deep.equal(['pas-r01p01', 'prolo']);
    for (const option of [3, 6, 42]) expect(bytes(option)).to.deep.equal([192, 168, 1, 254]);
    expect(bytes(1)).to.deep.equal([255, 255, 254, 0]);
    expect(offer.options[51]!.readUInt32BE()).to.equal(43_200);
    expect(decodeOptions(offer.options[175]!)).to.deep.equal({ 176: Buffer.from([1]) });
    expect((await client.discover(mac(1), SAYS.bios))!.bootFile).to.equal('undionly.kpxe');
    expect((await client.discover(mac(1), SAYS.uefi))!.bootFile).to.equal('ipxe.efi');
    expect((await client.discover(mac(1), {}))!.bootFile).to.equal('');
  });

  it('gives an alien its range only, and once it is registered its own address at its next boot', async () => {
    const { db, site, client, kea } = await makeRunningSite();
    const alien = await client.obtain(mac(7), SAYS.ipxe);
    expect(alien.ip).to.match(/^192\.168\.250\./);
    expect(decodeOptions(alien.options[175]!)[81]!.toString()).to.equal('alien');
    expect(alien.bootFile).to.equal(`http://192.168.250.254:${site.config.portBase + 20}/bootstrap`);
    expect(alien.options[51]!.readUInt32BE()).to.equal(60);

    await addMachine(db, site.config, 'test', { hostname: 'pas-r01p07', mac: mac(7), mtype: 'user' });
    await until('the reload', () => reloads(kea) === 1);
    await until('its place', async () => (await served(dhcpPaths(site))).includes('pas-r01p07'));
    expect((await client.reuse(mac(7), alien.ip))!.type, 'a NAK for what it had').to.equal(6);
    const known = await client.obtain(mac(7), SAYS.ipxe);
    expect([known.type, known.ip]).to.deep.equal([5, '192.168.0.1']);
    expect(decodeOptions(known.options[175]!)).to.not.have.property('81');
  });

  it('answers each packet once, on a NIC with several addresses', async () => {
    const { client } = await makeRunningSite();
    expect(await client.exchange({ mac: mac(9), type: 1 }, 700, true)).to.have.length(1);
  });

  it('gives the address of a swapped PC to the new one at once, and takes a removed one for an alien', async () => {
    const { db, site, client } = await makeRunningSite();
    await addMachine(db, site.config, 'test', { hostname: 'pas-r01p01', mac: mac(1), mtype: 'user' });
    await untilOffered(client, mac(1), '192.168.0.1');
    expect((await client.obtain(mac(1))).type).to.equal(5);

    await updateMachine(db, site.config, 'test', 'pas-r01p01', { mac: mac(2) });
    await untilOffered(client, mac(2), '192.168.0.1');
    expect((await client.obtain(mac(2))).ip).to.equal('192.168.0.1');
    expect((await client.obtain(mac(1))).ip).to.match(/^192\.168\.250\./);

    await removeMachines(db, site.config, 'test', ['pas-r01p01']);
    await until(
      'an alien',
      async () => (await client.discover(mac(2), {}, 300))?.ip.startsWith('192.168.250.') ?? false,
    );
    expect((await client.reuse(mac(2), '192.168.0.1'))!.type).to.equal(6);
  });

  it('gives a known machine whose network is not here no address at all', async () => {
    const { db, site, client, kea } = await makeRunningSite();
    await addMachine(db, site.config, 'test', { hostname: 'cl-r01p01', mac: mac(3), mtype: 'cluster' });
    await until('the reload', () => reloads(kea) === 1);
    await until('its place', async () => (await served(dhcpPaths(site))).includes('cl-r01p01'));
    expect(await client.discover(mac(3), {}, 700)).to.equal(undefined);
  });

  it('writes the file without a Kea, warns once, and makes one serve it that comes with an older one', async () => {
    const feed = await makeFeed([update(record(1))]);
    const site = await makeSite({}, { serviceUrl: feed.url });
    const close = await site.startMdbdhcp();
    await until('the warning', () => site.said.some(({ msg }) => msg.includes('not running')));
    const old = readFileSync(site.paths.config, 'utf8');
    expect(old).to.include('pas-1');
    feed.send(update(record(2)));
    await until('the second machine', () => readFileSync(site.paths.config, 'utf8').includes('pas-2'));
    await sleep(300);
    expect(site.said.filter(({ level }) => level === 40)).to.have.length(1);
    expect(site.errors()).to.deep.equal([]);

    // A Kea that has read the file just before it was replaced.
    const now = readFileSync(site.paths.config, 'utf8');
    writeFileSync(site.paths.config, old);
    const kea = await site.startKea();
    writeFileSync(site.paths.config, now);
    await until('both', async () => (await served(site.paths)).length === 2);
    await close();

    // One that serves the right text is left alone by the next start.
    const before = reloads(kea);
    await site.startMdbdhcp();
    await sleep(700);
    expect(reloads(kea)).to.equal(before);

    // One that was away misses nothing.
    await kea.stop('SIGKILL');
    feed.send(update(record(3)));
    await until('the third machine', () => readFileSync(site.paths.config, 'utf8').includes('pas-3'));
    await site.startKea();
    await until('all three', async () => (await served(site.paths)).length === 3);
    expect(site.errors()).to.deep.equal([]);
  });

  it('makes of 1,000 changes within a second at most 3 reloads, the last of which has them all', async () => {
    const feed = await makeFeed([]);
    const site = await makeSite({}, { serviceUrl: feed.url, networks: wideNetworks, pools: widePools });
    await site.startMdbdhcp();
    await until('the file', () => existsSync(site.paths.config));
    const kea = await site.startKea();
    await sleep(700);
    const before = reloads(kea);
    const startedMs = performance.now();
    for (let n = 1; n <= 1000;) {
      for (const due = ((performance.now() - startedMs) / 990) * 1000; n <= Math.min(due, 1000); n++)
        feed.send(update(record(n)));
      await sleep(2);
    }
    await until('all of them', async () => (await served(site.paths)).length === 1000);
    await sleep(800);
    expect(reloads(kea) - before).to.be.within(1, 3);
  });

  it('keeps what it serves when a machine is refused, says which one, and goes on after the correction', async () => {
    const feed = await makeFeed([update(record(1))]);
    const site = await makeSite({}, { serviceUrl: feed.url });
    await site.startMdbdhcp();
    await until('the file', () => existsSync(site.paths.config));
    await site.startKea();
    const old = readFileSync(site.paths.config, 'utf8');
    feed.send(update(record(2, { hostname: 'pas_2' })));
    await until('the error', () => site.errors().length === 1);
    expect(site.errors()[0]).to.include('"pas_2"');
    feed.send(update(record(3, { ip: record(1).ip })), update(record(2)));
    await until('another error', () => site.errors().length === 2);
    expect(site.errors()[1]).to.include('pas-1').and.include('pas-3');
    expect(readFileSync(site.paths.config, 'utf8')).to.equal(old);
    expect(await served(site.paths)).to.deep.equal(['pas-1']);
    feed.send(update(record(3)));
    await until('the correction', async () => (await served(site.paths)).length === 3);
  });

  it("passes on Kea's own refusal, running or not, with the machine's name", async () => {
    const { site, paths } = await makeSite();
    const plan = planDhcp(site.config, [record(1), record(2)]);
    const twice = structuredClone(plan);
    twice.wires[0]!.subnets[0]!.hosts[1]!.ip = record(1).ip;
    const options = {
      config: site.config,
      paths,
      log: silentLog,
      runProgram: createRunProgram('required', silentLog),
    };
    await makeKeaFolders(paths);
    const server = createKeaServer({ ...options, onUp: () => undefined });
    later(() => server.close());
    const { signal } = new AbortController();
    await server.bring(plan, signal);
    const old = readFileSync(paths.config, 'utf8');
    const refused = async (checker: string): Promise<void> => {
      const error = (await rejection(server.bring(twice, signal))) as ProloError;
      expect(error.kind).to.equal('refused');
      expect(error.message).to.include(`machine pas-2 (${mac(2)}, ${record(1).ip})`);
      expect(error.message).to.include(`: ${checker} refuses: `);
      expect(readFileSync(paths.config, 'utf8')).to.equal(old);
      expect(readdirSync(paths.dir).filter((name) => name.startsWith('.'))).to.deep.equal([]);
    };
    await refused('ip');
    const kea = await startKea(wire.gateway, paths);
    later(() => kea.stop());
    await refused('kea config-test');
    expect(await served(paths)).to.deep.equal(['pas-1', 'pas-2']);
  });

  it('says so when Kea serves another file than the one it writes', async () => {
    const feed = await makeFeed([update(record(1))]);
    const site = await makeSite({}, { serviceUrl: feed.url });
    const close = await site.startMdbdhcp();
    await until('the file', () => existsSync(site.paths.config));
    await close();
    const elsewhere = { ...site.paths, config: join(site.dir, 'other.conf') };
    writeFileSync(elsewhere.config, readFileSync(site.paths.config));
    const kea = await startKea(wire.gateway, elsewhere);
    later(() => kea.stop());
    feed.send(update(record(2)));
    await site.startMdbdhcp();
    await until('the error', () => site.errors().length > 0);
    expect(site.errors()[0]).to.include(`another file than ${site.paths.config}`);
  });

  it('needs no Kea at all where checks may be missing', async () => {
    const feed = await makeFeed([update(record(1))]);
    const check = ['prolo-test-no-such-program'];
    const site = await makeSite({ checks: 'if-present', check, hooks: [] }, { serviceUrl: feed.url });
    await site.startMdbdhcp();
    await until('the file', () => existsSync(site.paths.config));
    await until('the warnings', () => site.said.length >= 3);
    expect(site.errors()).to.deep.equal([]);
  });

  it('drives dhcpd by restarts, none within 5 s of another, and dhcpd serves the same', async function () {
    needs(this, { dhcpd: 'isc-dhcp-server' });
    const feed = await makeFeed([update(record(1))]);
    const restart = makeDhcpdRestart();
    const site = await makeSite(
      { server: 'isc', check: [], reload: [restart.program] },
      { serviceUrl: feed.url },
    );
    restart.of(site.paths);
    await site.startMdbdhcp();
    await until('the first restart', () => restart.times().length === 1);
    const client = await site.openClient();
    const known = await untilOffered(client, mac(1), record(1).ip);
    expect(known.options[12]!.toString()).to.equal('pas-1');
    expect(known.bootFile).to.equal(`${feed.url.replace('127.0.0.1', '192.168.1.254')}/bootstrap`);
    expect(decodeOptions(known.options[175]!)).to.deep.equal({ 176: Buffer.from([1]) });
    expect((await client.discover(mac(1), SAYS.bios))!.bootFile).to.equal('undionly.kpxe');
    expect((await client.discover(mac(1), SAYS.uefi))!.bootFile).to.equal('ipxe.efi');
    const alien = await client.obtain(mac(2), SAYS.ipxe);
    expect(alien.ip).to.match(/^192\.168\.250\./);
    expect(alien.options[51]!.readUInt32BE()).to.equal(60);
    expect(decodeOptions(alien.options[175]!)[81]!.toString()).to.equal('alien');

    for (let n = 2; n <= 50; n++) feed.send(update(record(n)));
    const hosts = join(site.paths.dir, site.paths.names.iscHosts);
    await until('the second restart', () => restart.times().length === 2);
    const [first = 0, second = 0] = restart.times();
    expect(second - first).to.be.at.least(5000);
    expect(readFileSync(hosts, 'utf8')).to.include('pas-50');
    await untilOffered(client, mac(2), record(2).ip);

    const old = readFileSync(hosts, 'utf8');
    feed.send(update(record(51, { hostname: 'pas 51; }' })));
    await until('the error', () => site.errors().length === 1);
    expect(site.errors()[0]).to.include('"pas 51; }"');
    expect(readFileSync(hosts, 'utf8')).to.equal(old);
    expect(restart.times()).to.have.length(2);
  });

  /** What a service manager does: it ends the old dhcpd, starts a new one, and here notes when. */
  function makeDhcpdRestart(): { program: string; of(paths: DhcpPaths): void; times(): number[] } {
    const dir = mkdtempSync(join(tmpdir(), 'prolo-dhcpd-'));
    const [program, pid, times] = [join(dir, 'restart'), join(dir, 'pid'), join(dir, 'times')];
    later(() => {
      if (existsSync(pid)) process.kill(Number(readFileSync(pid, 'utf8')));
      rmSync(dir, { recursive: true });
    });
    return {
      program,
      of(paths) {
        const dhcpd = [
          'ip',
          'netns',
          'exec',
          wire.gateway,
          ...unconfined(),
          'dhcpd',
          '-4',
          '-q',
          '-cf',
          paths.config,
        ];
        writeFileSync(join(dir, 'leases'), '');
        const script = [
          '#!/bin/sh',
          `date +%s%3N >> ${times}`,
          `if [ -f ${pid} ]; then kill $(cat ${pid}); while kill -0 $(cat ${pid}); do sleep 0.05; done; fi`,
          `exec ${dhcpd.join(' ')} -lf ${join(dir, 'leases')} -pf ${pid} gw0`,
        ];
        writeFileSync(program, `${script.join('\n')}\n`, { mode: 0o755 });
      },
      times: () => (existsSync(times) ? readFileSync(times, 'utf8').trim().split('\n').map(Number) : []),
    };
  }
});

const wideNetworks = [
  { name: 'lan', cidr: '192.168.0.0/21', role: 'machines', gateway: '192.168.1.254' },
  {
    name: 'alien',
    cidr: '192.168.250.0/24',
    role: 'alien',
    gateway: '192.168.250.254',
    range: '192.168.250.1-192.168.250.253',
  },
];
const widePools = {
  user: '192.168.0.1-192.168.5.253',
  service: '192.168.6.1-192.168.6.253',
  cluster: '192.168.7.1-192.168.7.253',
};
