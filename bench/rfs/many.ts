import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../src/lib/exec.ts';
import { renderServing } from '../../src/lib/rfs/serve.ts';
import { atLeast, type Bench } from '../figure.ts';
import type { BootsReport, BootsTask } from '../support/rfs-boots.ts';
import { LINK_BITS, type Served, serve, trafficOf } from '../support/rfs-net.ts';
import { makeRig, type Rig } from '../support/rfs-rig.ts';
import { workingSet } from '../support/rfs-working-set.ts';

const CLIENTS = 140;
const PROCESSES = 1;
/** The kernel's client reads ahead. */
const WINDOW = 4;

/** As many machines as a room has fetch what one boot needs, all at once, from one root file server on one link. */
const bench: Bench = async (report, { short }) => {
  const rig = await makeRig(1, 0, report);
  const served: Served[] = [];
  try {
    await rig.prolo('rfs', 'commit', '-m', 'to boot');
    served.push(...(await startServing(rig)));
    const alone = await oneStream(rig);
    report(`one client that fetches one file by HTTP: ${mbit(alone)}`);
    const set = workingSet();
    const part = short ? 0.1 : 1;
    const reads = Math.ceil(set.reads * part);
    const { bytes, seconds, wallS, sent } = await boot(rig, reads, set.readBytes / set.reads);
    const rate = (bytes * 8) / wallS;
    const each = `${(bytes / CLIENTS / 1e6).toFixed(0)} MB each`;
    const against = `${mbit(rate)} of contents, of a link of ${mbit(LINK_BITS)} (${mbit((sent * 8) / wallS)} on the wire); one HTTP stream: ${mbit(alone)}; ${each}, the last of ${CLIENTS} has them after ${Math.max(...seconds).toFixed(1)} s`;
    report(against);
    return [atLeast('rfs-140-boots', rate / LINK_BITS, 0.8, against, 1)];
  } finally {
    for (const one of served.reverse()) await one.stop();
    await rig.close();
  }
};
export default bench;

const mbit = (bits: number): string => `${(bits / 1e6).toFixed(0)} Mbit/s`;

/** nginx and nfs-ganesha, by the configuration that `prolo rfs exports` writes. */
async function startServing({ dir, star, test: { site }, versions }: Rig): Promise<Served[]> {
  const { netns, ip: address } = star.servers[0]!;
  const file = (name: string): string => join(dir, 'serving', name);
  mkdirSync(file('state'), { recursive: true });
  writeFileSync(file('ganesha.conf'), renderServing(site, 'ganesha', { address, stateDir: file('state') }));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(
    file('nginx.conf'),
    `daemon off; user root; worker_processes 1; pid ${file('nginx.pid')};
events { worker_connections 1024; }
http {
${temporary.map((name) => `${name}_temp_path ${file(name)};`).join('\n')}
${renderServing(site, 'nginx', { address, port: 80 })}
}\n`,
  );
  const seeing = (...argv: string[]): string[] => [
    ...['sh', '-c', 'mount --bind "$1" "$2" && shift 2 && exec "$@"', 'sh'],
    ...[versions(1), join(dir, 'versions'), ...argv],
  ];
  const log = file('ganesha.log');
  const isUp = (): boolean => existsSync(log) && readFileSync(log, 'utf8').includes('NFS SERVER INITIALIZED');
  const pid = file('ganesha.pid');
  const ganesha = seeing(
    'ganesha.nfsd',
    '-F',
    '-L',
    log,
    '-f',
    file('ganesha.conf'),
    '-p',
    pid,
    '-N',
    'NIV_EVENT',
  );
  const nginx = seeing('nginx', '-e', file('nginx.log'), '-c', file('nginx.conf'));
  const one = await serve(netns, ganesha, isUp);
  try {
    return [one, await serve(netns, nginx, () => existsSync(file('nginx.pid')))];
  } catch (error) {
    await one.stop();
    throw error;
  }
}

/** What one TCP stream gets through the link: the largest file that HTTP gives. */
async function oneStream({ star }: Rig): Promise<number> {
  const url = `http://${star.servers[0]!.ip}/boot/1/initrd.img`;
  const argv = star.inside(star.gateway, [
    'curl',
    '-s',
    '-f',
    '-o',
    '/dev/null',
    '-w',
    '%{speed_download}',
    url,
  ]);
  return Number((await run(argv, { timeoutMs: 60_000 })).stdout) * 8;
}

async function boot(rig: Rig, reads: number, readBytes: number) {
  const { dir, star } = rig;
  const { netns, ip: server } = star.servers[0]!;
  const addresses = Array.from({ length: CLIENTS }, (_, i) => `10.99.1.${i + 3}`);
  for (const address of addresses)
    execFileSync('ip', ['-n', star.gateway, 'addr', 'add', `${address}/24`, 'dev', 'rfs1']);
  const path = join(dir, 'versions/1/root.img');
  const { size } = statSync(join(rig.versions(1), '1/root.img'));
  const length = Math.floor(Math.min(readBytes, size / reads) / 4096) * 4096;
  const places = Array.from({ length: reads }, (_, i) => ({
    offset: Math.floor((i * (size - length)) / reads / 4096) * 4096,
    length,
  }));
  const urls = ['vmlinuz', 'initrd.img'].map((name) => `http://${server}/boot/1/${name}`);
  const before = trafficOf(netns, 'eth0').sent;
  const reports = await Promise.all(
    Array.from({ length: PROCESSES }, async (_, n) => {
      const task: BootsTask = {
        server,
        addresses: addresses.filter((_, i) => i % PROCESSES === n),
        urls,
        files: [{ path, places }],
        window: WINDOW,
      };
      const script = join(import.meta.dirname, '../support/rfs-boots.ts');
      const argv = [process.execPath, '--import=tsx', script, JSON.stringify(task)];
      const { exitCode, stdout, stderr } = await run(star.inside(star.gateway, argv), { timeoutMs: 400_000 });
      if (exitCode !== 0) throw new Error(`clients: status ${exitCode}: ${stderr.slice(-2000)}`);
      return JSON.parse(stdout) as BootsReport;
    }),
  );
  const clients = reports.flat();
  const seconds = clients.map((client) => client.seconds);
  return {
    bytes: clients.reduce((sum, client) => sum + client.bytes, 0),
    seconds,
    // Without the start of the clients' own process.
    wallS: Math.max(...seconds),
    sent: trafficOf(netns, 'eth0').sent - before,
  };
}
