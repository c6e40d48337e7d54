import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { createDns } from '../../../src/lib/dns/write.ts';
import type { Recipe, RecipeMaker } from '../../../src/lib/install/recipe.ts';
import { conntrack } from '../../../src/lib/install/recipes/conntrack.ts';
import { named } from '../../../src/lib/install/recipes/named.ts';
import { networkd, networkdDhcp } from '../../../src/lib/install/recipes/networkd.ts';
import { postgresql } from '../../../src/lib/install/recipes/postgresql.ts';
import { processExporter } from '../../../src/lib/install/recipes/prometheus.ts';
import { sysctl } from '../../../src/lib/install/recipes/sysctl.ts';
import { tftp } from '../../../src/lib/install/recipes/tftp.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { needs } from '../../support/needs.ts';
import { createDatabase, postgresPackages } from '../../support/postgres.ts';
import { makeTestSite } from '../../support/site.ts';
import { makeWires } from '../../support/wires.ts';

const PROBE = join(import.meta.dirname, '../../support/networkd-probe.sh');
const TWO_CARDS = join(import.meta.dirname, '../../support/two-cards-probe.sh');

describe('what recipes write, in use', function () {
  this.timeout(60_000);
  let dir: string;
  const ends: (() => void | Promise<void>)[] = [];
  beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'prolo-recipes-'))));
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
    rmSync(dir, { recursive: true, force: true });
  });

  const made = async (make: RecipeMaker, config = {}): Promise<Recipe> => {
    const test = await makeTestSite(config);
    ends.push(test.remove);
    return make({ site: test.site, distribution: 'debian', hostname: 'gw' });
  };
  const textOf = (recipe: Recipe, end: string): string =>
    recipe.files!.find(({ path }) => path.endsWith(end))!.text;
  /** What a unit starts. */
  const startOf = (recipe: Recipe, end: string): string[] =>
    /^ExecStart=(\/.*)$/m.exec(textOf(recipe, end))![1]!.split(' ');

  it('the gateway has its addresses in all networks and two ways out, and takes the other when a cable is pulled', async function () {
    needs(this, { '/lib/systemd/systemd-networkd': 'systemd', ip: 'iproute2', unshare: 'util-linux' });
    const gateway = await made(networkd, {
      networks: [
        {
          name: 'lan',
          cidr: '192.168.0.0/23',
          role: 'machines',
          gateway: '192.168.1.254',
          interface: 'lan0',
        },
        { name: 'cluster', cidr: '192.168.2.0/24', role: 'machines', gateway: '192.168.2.254' },
      ],
      uplinks: [
        { interface: 'wan0', address: '10.9.0.2/24', gateway: '10.9.0.1' },
        { interface: 'wan1', address: '10.8.0.2/24', gateway: '10.8.0.1' },
      ],
    });
    const server = await made(networkdDhcp);
    chmodSync(dir, 0o755); // it runs as a user of its own
    for (const { path, text } of [...gateway.files!, ...server.files!])
      if (path.endsWith('.network')) writeFileSync(join(dir, basename(path)), text);
    const { status, stdout, stderr } = spawnSync('unshare', ['--net', '--mount', 'sh', PROBE, dir], {
      encoding: 'utf8',
      timeout: 50_000,
    });
    expect(stderr).not.to.match(/20-prolo.*:\d+:/);
    expect([status, stdout.replaceAll(/ +/g, ' ').trim().split(/ \n/)]).to.deep.equal([
      0,
      [
        'lan0@lan0-peer UP 192.168.1.254/23 192.168.2.254/24',
        'wan0@wan0-peer UP 10.9.0.2/24',
        'wan1@wan1-peer UP 10.8.0.2/24',
        'default via 10.9.0.1 dev wan0 proto static metric 100',
        'default via 10.8.0.1 dev wan1 proto static metric 200',
        'pulled\ndefault via 10.8.0.1 dev wan1 proto static metric 200',
      ],
    ]);
  });

  it('a server with two cards in one subnet: each answers for its own address alone, and what it answers leaves by it', async function () {
    needs(this, {
      ...{ '/lib/systemd/systemd-networkd': 'systemd', ip: 'iproute2', unshare: 'util-linux' },
      ...{ dnsmasq: 'dnsmasq-base', busybox: 'busybox-static', sysctl: 'procps' },
    });
    chmodSync(dir, 0o755);
    for (const make of [networkdDhcp, sysctl])
      for (const { path, text, mode = 0o644 } of (await made(make)).files!)
        // The cards here are virtual.
        writeFileSync(join(dir, basename(path)), text.replace('Kind=!*\n', ''), { mode });
    mkdirSync(join(dir, 'networkd.conf.d'));
    writeFileSync(join(dir, 'networkd.conf.d/prolo.conf'), textOf(await made(networkdDhcp), 'networkd.conf.d/prolo.conf')); // prettier-ignore
    const { status, stdout, stderr } = spawnSync('unshare', ['--net', '--mount', 'sh', TWO_CARDS, dir], {
      encoding: 'utf8',
      timeout: 50_000,
    });
    expect(stderr).not.to.match(/prolo.*:\d+:/);
    expect([status, stdout.trim().split('\n')], stderr).to.deep.equal([
      0,
      [
        'arp 192.168.0.5: 52:54:00:00:00:05',
        'arp 192.168.0.6: 52:54:00:00:00:06',
        'without routes: 1 of 2 answers where it was asked',
        'with routes: 2 of 2 answers where it was asked',
        'from elsewhere: 2 of 2 answers where it was asked',
        'networkd started anew: 2 of 2 answers where it was asked',
        'again: 2 rules',
        'one card is pulled out: 0 rules',
      ],
    ]);
  });

  it('a connection that left by NAT is logged as it begins, with the address of the seat and the port that the internet saw', async function () {
    needs(this, { conntrack: 'conntrack', nft: 'nftables', ip: 'iproute2', busybox: 'busybox-static' });
    const argv = startOf(await made(conntrack), 'conntrack.service');
    const wires = makeWires([
      { name: 'seat', address: '192.168.0.1/23', gateway: '192.168.1.254/23', route: true },
      { name: 'outside', address: '203.0.113.9/24', gateway: '203.0.113.1/24' },
    ]);
    ends.push(() => wires.remove());
    const at = ['netns', 'exec', wires.gateway];
    const rules =
      'table ip t { chain c { type nat hook postrouting priority srcnat; ip saddr 192.168.0.0/23 masquerade; }; }';
    execFileSync('ip', [...at, 'nft', '-f', '-'], { input: rules });
    const log = spawn('ip', [...at, ...argv], { stdio: ['ignore', 'pipe', 'ignore'] });
    const gone = once(log, 'exit');
    ends.push(async () => {
      log.kill();
      await gone;
    });
    let said = '';
    log.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    for (let tries = 0; !said.includes('[NEW]'); tries++) {
      if (tries > 50) throw new Error(`nothing is logged: ${said}`);
      wires.run('seat', ['busybox', 'nc', '-w', '1', '203.0.113.9', '443']);
      await sleep(100);
    }
    expect(said).to.match(
      /\[NEW\] .*src=192\.168\.0\.1 dst=203\.0\.113\.9 .*dport=443 .*dst=203\.0\.113\.1 sport=443 dport=\d+/,
    );
  });

  it('named starts, as its own user, on what mdbdns writes', async function () {
    needs(this, { named: 'bind9', unshare: 'util-linux' });
    const test = await makeTestSite();
    ends.push(test.remove);
    const recipe = named({ site: test.site, distribution: 'debian', hostname: 'gw' });
    expect(recipe.folders![0]!.owner).to.equal('bind');
    const zones = join(dir, 'dns');
    chmodSync(dir, 0o755);
    mkdirSync(zones);
    chownSync(zones, Number(execFileSync('id', ['-u', 'bind'], { encoding: 'utf8' })), -1);
    const runProgram = () => Promise.resolve({ exitCode: 0, stdout: '', stderr: '' });
    await createDns({ config: test.site.config, dir: zones, runProgram, log: silentLog }).update([]);
    const argv = startOf(recipe, 'prolo.conf').map((word) => (word === '-f' ? '-g' : word));
    argv[argv.length - 1] = join(zones, 'named.conf');
    const server = spawn('unshare', ['--net', ...argv], { stdio: ['ignore', 'ignore', 'pipe'] });
    const gone = once(server, 'exit');
    ends.push(async () => {
      server.kill();
      await gone;
    });
    let said = '';
    server.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    await Promise.race([gone, until(() => / running$/m.test(said))]);
    expect(said)
      .to.match(/ running$/m)
      .and.not.include('permission denied');
  });

  it('a PC gets iPXE by TFTP', async function () {
    needs(this, { 'in.tftpd': 'tftpd-hpa', curl: 'curl', ip: 'iproute2' });
    const argv = startOf(await made(tftp), 'tftpd-hpa.service');
    chmodSync(dir, 0o755);
    writeFileSync(join(dir, 'undionly.kpxe'), 'iPXE');
    argv[argv.length - 1] = dir;
    const gateway = '192.168.1.254';
    const wires = makeWires([{ name: 'pc', address: '192.168.0.1/23', gateway: `${gateway}/23` }]);
    ends.push(() => wires.remove());
    const server = spawn('ip', ['netns', 'exec', wires.gateway, ...argv], { stdio: 'ignore' });
    const gone = once(server, 'exit');
    ends.push(async () => {
      server.kill();
      await gone;
    });
    const fetched = join(dir, 'fetched');
    const ask = [
      'curl',
      '--silent',
      '--max-time',
      '3',
      '--output',
      fetched,
      `tftp://${gateway}/undionly.kpxe`,
    ];
    await until(() => wires.run('pc', ask) === 0);
    expect(readFileSync(fetched, 'utf8')).to.equal('iPXE');
  });

  it('PostgreSQL gets its role and its database once, whatever the URL calls them', async function () {
    needs(this, { ...postgresPackages, psql: 'postgresql-client' });
    const { url, drop } = await createDatabase();
    ends.push(drop);
    const recipe = await made(postgresql, { database: 'postgres://jury@/finals?host=/run/postgresql' });
    const psql = (...args: string[]) =>
      execFileSync('psql', ['--no-psqlrc', '--quiet', '--tuples-only', '--no-align', ...args, url], {
        encoding: 'utf8',
      });
    const file = join(dir, 'roles.sql');
    writeFileSync(file, textOf(recipe, '.sql'));
    ends.push(
      () => void psql('-c', 'drop database finals', '-c', 'drop role jury', '-c', 'alter system reset all'),
    );
    psql('--file', file);
    psql('--file', file);
    const asked = 'select datname, pg_get_userbyid(datdba) from pg_database where datname = $$finals$$';
    expect(psql('-c', asked)).to.equal('finals|jury\n');
  });

  it('each daemon of prolo is a group of its own to the process exporter', async function () {
    needs(this, { 'prometheus-process-exporter': 'prometheus-process-exporter' });
    const recipe = await made(processExporter);
    const file = join(dir, 'processes.yml');
    writeFileSync(file, textOf(recipe, 'processes.yml'));
    const port = await freePort();
    const argv = startOf(recipe, 'prolo.conf').map((word) => (word.endsWith('.yml') ? file : word));
    const stand = (...args: string[]): void => {
      const child = spawn(args[0]!, args.slice(1), { stdio: 'ignore' });
      const gone = once(child, 'exit');
      ends.push(async () => {
        child.kill();
        await gone;
      });
    };
    stand(process.execPath, '-e', 'setInterval(() => {}, 1e6)', 'daemon', 'hfs@7');
    stand(...argv, `-web.listen-address=127.0.0.1:${port}`);
    let said = '';
    for (let tries = 0; !said.includes('groupname="prolo-hfs@7"'); tries++) {
      if (tries > 100) throw new Error(`no such group: ${said.slice(0, 500)}`);
      said = await fetch(`http://127.0.0.1:${port}/metrics`).then(
        (answer) => answer.text(),
        () => '',
      );
      await sleep(100);
    }
  });
});

async function until(is: () => boolean): Promise<void> {
  for (let tries = 0; !is(); tries++) {
    if (tries > 200) throw new Error('it never is so');
    await sleep(100);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
