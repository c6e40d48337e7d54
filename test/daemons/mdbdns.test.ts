import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { pino } from 'pino';
import { start as startMdbdns } from '../../src/daemons/mdbdns.ts';
import { start as startMdbsync } from '../../src/daemons/mdbsync.ts';
import { zoneSerial } from '../../src/lib/dns/zone.ts';
import type { DaemonContext, RunningDaemon } from '../../src/lib/http/daemon.ts';
import { addMachine, removeMachines, updateMachine } from '../../src/lib/mdb/machines.ts';
import { dig, digStatus, type Named, namedPackages, startNamed } from '../support/named.ts';
import { needs } from '../support/needs.ts';
import { freePortBase, makeTestSite, type TestSite } from '../support/site.ts';

/** A site whose networks are parts of 127.0.0.0/8, so that clients of both views can ask from this machine. */
const networks = [
  { name: 'lan', cidr: '127.8.0.0/23', role: 'machines', gateway: '127.8.1.254' },
  {
    name: 'alien',
    cidr: '127.9.0.0/24',
    role: 'alien',
    gateway: '127.9.0.254',
    range: '127.9.0.1-127.9.0.99',
  },
];
const pools = { user: '127.8.0.1-127.8.0.253', service: '127.8.1.1-127.8.1.253', cluster: 'user' };
/** Long enough that a long hostname makes a name that DNS cannot hold: a refusal that only the checker can make. */
const domain = ['finals', ...Array<string>(3).fill('x'.repeat(62))].join('.');
const ALIEN = '127.9.0.5';
const wait = 15_000;

interface Line {
  level: number;
  msg: string;
  error?: string;
  hint?: string;
}

describe('mdbdns with a real named', function () {
  this.timeout(60_000);
  let site: TestSite;
  let dir: string;
  let port: number;
  let named: Named | undefined;
  let daemons: RunningDaemon[] = [];
  let context: DaemonContext;
  let lines: Line[] = [];

  const zoneFile = (view: string, origin: string): string => join(dir, 'zones', view, `${origin}.zone`);
  const forward = (): string => zoneFile('normal', domain);
  const files = (): string[] => readdirSync(dir, { recursive: true }).map(String).sort();
  const read = (): Record<string, string> =>
    Object.fromEntries(
      files()
        .filter((file) => statSync(join(dir, file)).isFile())
        .map((file) => [file, readFileSync(join(dir, file), 'utf8')]),
    );
  const reloads = (): number => lines.filter(({ msg }) => msg === 'dns: named reloaded').length;
  async function until(what: string, done: () => boolean | Promise<boolean>): Promise<void> {
    const end = Date.now() + wait;
    while (!(await done())) {
      if (Date.now() > end) throw new Error(`not in ${wait} ms: ${what}; log: ${JSON.stringify(lines)}`);
      await sleep(20);
    }
  }
  const answers = async (name: string): Promise<string> => (await dig(port, `${name}.${domain}`)).join();
  const untilAnswers = (name: string, ip: string): Promise<void> =>
    until(`${name} is ${ip || 'gone'}`, async () => (await answers(name)) === ip);
  const add = async (hostname: string, n: number, more: object = {}): Promise<unknown> =>
    addMachine(await site.store(), site.site.config, 'test', {
      hostname,
      mac: `02:00:00:00:00:${n.toString(16).padStart(2, '0')}`,
      ...more,
    });

  before(async function () {
    needs(this, namedPackages);
    port = await freePortBase();
    const dns = { listen: ['127.0.0.1'], port, controlPort: port + 1 };
    site = await makeTestSite({ domain, networks, pools, dns });
    dir = site.site.statePath('dns');
    const write = (line: string): void => void lines.push(JSON.parse(line) as Line);
    context = { ...site.context, log: pino({ level: 'info', base: null }, { write }) };
    await add('gw', 1, { ip: '127.8.1.254', aliases: ['mdb', 'ns', 'netboot'], mtype: 'service' });
    daemons = [await startMdbsync(context), await startMdbdns(context)];
  });
  beforeEach(() => (lines = []));
  after(async () => {
    for (const daemon of daemons.reverse()) await daemon.close();
    await named?.stop();
    await site?.remove();
  });

  it('says what to do while named does not run, and goes on when it does', async () => {
    await add('pc1', 2);
    await until('the files', () => existsSync(forward()) && readFileSync(forward(), 'utf8').includes('pc1'));
    await until('the warning', () => lines.some(({ msg }) => msg === 'mdbdns: failed, trying again'));
    const [warning] = lines.filter(({ msg }) => msg === 'mdbdns: failed, trying again');
    expect(warning).to.include({
      level: 40,
      hint: `is it running? \`named -c ${dir}/named.conf\` starts it with the files that are there`,
    });
    expect(warning!.error).to.match(/^named: not reloaded: rndc: connect failed/);
    named = await startNamed(dir);
    expect(await answers('pc1')).to.equal('127.8.0.1');
    await until('the next attempt', () => lines.some(({ msg }) => msg === 'mdbdns: works again'));
  });

  it('answers with machines, aliases, reverse names and names of aliens', async () => {
    await add('rhfs01', 3, { mtype: 'service', aliases: ['rfs0', 'hfs0'] });
    await untilAnswers('rhfs01', '127.8.1.1');
    expect(await answers('hfs0')).to.equal('127.8.1.1');
    expect(await answers('mdb')).to.equal('127.8.1.254');
    expect(await answers('alien-7')).to.equal('127.9.0.7');
    expect(await dig(port, '1.1.8.127.in-addr.arpa', { type: 'PTR' })).to.deep.equal([`rhfs01.${domain}.`]);
    expect(await dig(port, domain, { type: 'NS' })).to.deep.equal([`gw.${domain}.`]);
  });

  it('shows an alien the way to netboot and nothing else', async () => {
    const ask = (name: string, type = 'A'): Promise<string[]> => dig(port, name, { type, from: ALIEN });
    expect(await ask(`netboot.${domain}`)).to.deep.equal(['127.9.0.254']);
    expect(await ask(`gw.${domain}`)).to.deep.equal(['127.9.0.254']);
    expect(await ask('5.0.9.127.in-addr.arpa', 'PTR')).to.deep.equal([`alien-5.${domain}.`]);
    expect(await digStatus(port, `pc1.${domain}`, { from: ALIEN })).to.equal('NXDOMAIN qr aa rd');
    expect(await digStatus(port, 'elsewhere.test', { from: ALIEN })).to.equal('REFUSED qr rd');
    expect(await digStatus(port, `pc1.${domain}`)).to.equal('NOERROR qr aa rd ra');
  });

  it('rewrites the zones that a change is about, with a higher serial, and no other', async () => {
    const before = read();
    await add('pc2', 4);
    await untilAnswers('pc2', '127.8.0.2');
    const changed = Object.entries(read()).filter(([file, text]) => text !== before[file]);
    expect(changed.map(([file]) => file)).to.deep.equal([
      'zones/normal/0.8.127.in-addr.arpa.zone',
      `zones/normal/${domain}.zone`,
    ]);
    for (const [file, text] of changed) expect(zoneSerial(text)).to.be.above(zoneSerial(before[file]!)!);
  });

  it('reloads nothing for a change that is not about names', async () => {
    const store = await site.store();
    await updateMachine(store, site.site.config, 'test', 'pc2', {
      is_faulty: true,
      is_faulty_details: 'smoke',
    });
    await sleep(300);
    expect(reloads()).to.equal(0);
    await updateMachine(store, site.site.config, 'test', 'pc2', {
      hostname: 'pc2b',
      mac: '02:00:00:00:00:44',
    });
    await untilAnswers('pc2b', '127.8.0.2');
    expect(await answers('pc2')).to.equal('');
  });

  it('keeps all as it was when the checker refuses, names the machine, and goes on once it is mended', async () => {
    const before = read();
    const long = 'y'.repeat(60);
    await add(long, 5);
    await until('the refusal', () => lines.some(({ level }) => level === 50));
    const [refusal] = lines.filter(({ level }) => level === 50);
    expect(refusal!.msg).to.equal('mdbdns: refused, what was served before stays');
    expect(refusal!.error).to.include(`machine ${long}: `);
    expect(read()).to.deep.equal(before);
    expect(await answers('pc1')).to.equal('127.8.0.1');
    expect(reloads()).to.equal(0);
    await removeMachines(await site.store(), site.site.config, 'test', [long]);
    await add('pc3', 6);
    await untilAnswers('pc3', '127.8.0.3');
  });

  it('mends after a kill in the middle, reloads at its start, and rewrites nothing that is right', async () => {
    await daemons.pop()!.close();
    const before = read();
    mkdirSync(join(dir, '.new-deadbeef'));
    writeFileSync(forward(), before[`zones/normal/${domain}.zone`]!.replace(/^pc3 .*\n/m, ''));
    rmSync(zoneFile('normal', '0.8.127.in-addr.arpa'));
    daemons.push(await startMdbdns(context));
    await until('the reload', () => reloads() === 1);
    const after = read();
    expect(Object.keys(after)).to.deep.equal(Object.keys(before));
    const withoutSerial = (texts: Record<string, string>): unknown =>
      Object.values(texts).map((text) => text.replace(/\d+ ; serial/, ''));
    expect(withoutSerial(after)).to.deep.equal(withoutSerial(before));
    expect(await answers('pc3')).to.equal('127.8.0.3');
    const rewritten = Object.keys(after).filter((file) => after[file] !== before[file]);
    expect(rewritten).to.include(`zones/normal/${domain}.zone`);
    expect(rewritten).not.to.include('rndc.key');

    await daemons.pop()!.close();
    lines = [];
    daemons.push(await startMdbdns(context));
    await until('the second start', () => reloads() === 1);
    expect(read()).to.deep.equal(after);
  });

  it('keeps the key of rndc to its owner', () => {
    expect(statSync(join(dir, 'rndc.key')).mode & 0o777).to.equal(0o600);
    expect(readFileSync(join(dir, 'rndc.key'), 'utf8')).to.match(/secret "[A-Za-z0-9+/]{43}="/);
  });

  it('says so when it cannot write, and goes on when it can', async () => {
    rmSync(join(dir, 'zones/normal'), { recursive: true });
    writeFileSync(join(dir, 'zones/normal'), 'a file where a folder should be');
    await add('pc4', 7);
    await until('the error', () => lines.some(({ msg }) => msg === 'mdbdns: failed, trying again'));
    expect(await answers('pc3')).to.equal('127.8.0.3');
    rmSync(join(dir, 'zones/normal'));
    await untilAnswers('pc4', '127.8.0.4');
  });

  it('closes while named is gone', async () => {
    await named!.stop();
    named = undefined;
    await add('pc5', 8);
    await until('the warning', () => lines.some(({ level }) => level === 40));
    const startedMs = performance.now();
    await daemons.pop()!.close();
    expect(performance.now() - startedMs).to.be.below(2000);
  });
});
