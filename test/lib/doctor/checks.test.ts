import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Finding } from '../../../src/lib/doctor/check.ts';
import { judgeNeighbors } from '../../../src/lib/doctor/checks/lldp.ts';
import { neighbours, parseNeighbours } from '../../../src/lib/doctor/checks/neighbours.ts';
import { judgeNic, type Nic, parsePause } from '../../../src/lib/doctor/checks/nic.ts';
import { services } from '../../../src/lib/doctor/checks/services.ts';
import { units, parseUnits } from '../../../src/lib/doctor/checks/units.ts';
import { askExport } from '../../../src/lib/doctor/nfs.ts';
import { judgeVersions } from '../../../src/lib/doctor/checks/rfs.ts';
import { describeOutcomes } from '../../../src/lib/doctor/show.ts';
import { makeTestSite, type TestSite } from '../../support/site.ts';
import { complaints, doctor } from './support.ts';

const said = (findings: Finding[]): string[] =>
  findings.filter(({ colour }) => colour !== 'green').map(({ colour, what }) => `${colour}: ${what}`);

const HEALTHY = `Personalities : [raid1] [raid6] [raid5] [raid4]
md1 : active raid1 sdb2[1] sda2[0]
      976630464 blocks super 1.2 [2/2] [UU]
      bitmap: 1/8 pages [4KB], 65536KB chunk

md0 : active raid0 sdd1[1] sdc1[0]
      1953260544 blocks super 1.2 512k chunks

unused devices: <none>
`;

describe('what the doctor says of', () => {
  let test: TestSite;
  let proc: string;
  before(async () => {
    test = await makeTestSite();
    proc = mkdtempSync(join(tmpdir(), 'prolo-proc-'));
  });
  after(async () => {
    await test?.remove();
    rmSync(proc, { recursive: true, force: true });
  });

  async function raid(text: string): Promise<string[]> {
    writeFileSync(join(proc, 'mdstat'), text);
    return complaints(await doctor(test.site.file, 'raid', { proc }));
  }

  it('a RAID that is whole, degraded, being mended, or not there', async () => {
    expect(await raid(HEALTHY)).to.deep.equal([]);
    const degraded = HEALTHY.replace('sdb2[1]', 'sdb2[1](F)').replace('[2/2] [UU]', '[2/1] [U_]');
    expect(await raid(degraded)).to.deep.equal(['red: md1 (raid1): 1 of 2 members work, sdb2 failed']);
    const removed = HEALTHY.replace(' sdb2[1]', '').replace('[2/2] [UU]', '[2/1] [U_]');
    expect(await raid(removed)).to.deep.equal(['red: md1 (raid1): 1 of 2 members work']);
    const mending = removed.replace(
      '[U_]\n',
      '[U_]\n      [==>..................]  recovery = 12.6% (123/976) finish=127.5min speed=33440K/sec\n',
    );
    expect(await raid(mending)).to.deep.equal(['yellow: md1 (raid1): 1 of 2 members work; recovery = 12.6%']);
    expect(
      await raid('Personalities :\nmd127 : inactive sdb[0](S)\n      976 blocks super 1.2\n'),
    ).to.deep.equal(['red: md127: not active']);
    expect(await raid('Personalities :\nunused devices: <none>\n')).to.deep.equal([]);
  });

  it('a disk that is full, of bytes or of inodes', async function () {
    if (process.getuid?.() !== 0) this.skip();
    const state = test.site.statePath();
    mkdirSync(state, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,nr_inodes=100', 'tmpfs', state]);
    try {
      const look = async () =>
        complaints(await doctor(test.site.file, 'disk')).filter((line) => line.includes(state));
      expect(await look()).to.deep.equal([]);
      writeFileSync(join(state, 'fill'), Buffer.alloc(4 * 1024 ** 2 - 128 * 1024));
      expect((await look()).join()).to.match(/^red: .*: 0 MB free, 3\.1 %$/);
      rmSync(join(state, 'fill'));
      for (let i = 0; i < 97; i++) writeFileSync(join(state, `f${i}`), '');
      expect((await look()).join()).to.match(/^red: .*: \d inodes free, \d\.\d %$/);
    } finally {
      execFileSync('umount', [state]);
    }
  });

  it('network cards', () => {
    const well: Nic = { name: 'eth0', cable: true, used: true, speed: 1000, duplex: 'full' };
    expect(said(judgeNic(well))).to.deep.equal([]);
    expect(said(judgeNic({ ...well, speed: 100 }))).to.deep.equal(['red: eth0: 100 Mbit/s only']);
    expect(said(judgeNic({ ...well, duplex: 'half' }))).to.deep.equal(['red: eth0: half duplex']);
    expect(said(judgeNic({ ...well, cable: false })).join()).to.match(/^red: eth0: no cable/);
    expect(said(judgeNic({ ...well, cable: false, used: false })).join()).to.match(/^yellow: eth0/);
    const on = parsePause('Pause parameters for eth0:\nAutonegotiate:\ton\nRX:\t\ton\nTX:\t\toff\n');
    expect(on).to.deep.equal({ rx: true, tx: false });
    expect(said(judgeNic({ ...well, pause: on }))).to.deep.equal(['yellow: eth0: pause frames are on']);
    const off = parsePause('Pause parameters for eth0:\nAutonegotiate:\toff\nRX:\t\toff\nTX:\t\toff\n');
    expect(said(judgeNic({ ...well, pause: off }))).to.deep.equal([]);
  });

  it('network cards as the kernel tells of them', async () => {
    const sys = mkdtempSync(join(tmpdir(), 'prolo-sys-'));
    const card = (name: string, files: Record<string, string>): void => {
      mkdirSync(join(sys, 'class/net', name, 'device'), { recursive: true });
      for (const [file, text] of Object.entries(files))
        writeFileSync(join(sys, 'class/net', name, file), `${text}\n`);
    };
    card('prolo-t0', { flags: '0x1003', carrier: '1', speed: '100', duplex: 'half' });
    card('prolo-t1', { flags: '0x1002', carrier: '0' }); // down, as somebody wants it
    try {
      expect(complaints(await doctor(test.site.file, 'nic', { sys }))).to.deep.equal([
        'red: prolo-t0: half duplex',
        'red: prolo-t0: 100 Mbit/s only',
      ]);
    } finally {
      rmSync(sys, { recursive: true, force: true });
    }
  });

  it('an address that another card answers for', () => {
    const heard = parseNeighbours(
      JSON.stringify([
        { dst: '192.168.0.1', dev: 'lan', lladdr: '02:00:00:00:00:02', state: ['REACHABLE'] },
        { dst: '192.168.0.2', dev: 'lan', lladdr: '02:00:00:00:00:02', state: ['STALE'] },
        { dst: '192.168.0.3', dev: 'lan', state: ['FAILED'] },
      ]),
    );
    const machines = [1, 2, 3].map((n) => ({
      hostname: `pc${n}`,
      ip: `192.168.0.${n}`,
      mac: `02:00:00:00:00:0${n}`,
    }));
    expect(said(neighbours.decide({ heard, machines }))).to.deep.equal([
      "red: 192.168.0.1: pc1's (02:00:00:00:00:01), and 02:00:00:00:00:02 answers for it, pc2",
    ]);
  });

  it('a switch that MDB has not', () => {
    const switches = [{ name: 'sw-1', chassis: '68:b5:99:9f:45:40' }];
    const heard = { link: 'lan', chassis: '68:b5:99:9f:45:40', name: 'sw-1', does: ['Bridge'] };
    expect(said(judgeNeighbors({ heard: [heard], switches, machines: [] }))).to.deep.equal([]);
    const other = { ...heard, chassis: '68:b5:99:9f:45:41', name: 'spare' };
    expect(said(judgeNeighbors({ heard: [other], switches, machines: [] }))).to.deep.equal([
      'yellow: lan: beside it is spare (68:b5:99:9f:45:41), which MDB has not',
    ]);
    expect(said(judgeNeighbors({ heard: [other], switches, machines: [other.chassis] }))).to.deep.equal([]);
    expect(said(judgeNeighbors({ heard: [], switches, machines: [] })).join()).to.match(/^yellow: no switch/);
  });

  it('an NFS server that is asked again and again: no port of ours is in the way', async () => {
    const server = createServer((socket) =>
      socket
        .on('error', () => undefined)
        .on('data', () => socket.write(Buffer.from([0x80, 0, 0, 4, 0, 0, 0, 0]))),
    );
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', () => done()));
    const { port } = server.address() as AddressInfo;
    const said = new Set<string>();
    for (let i = 0; i < 80; i++)
      await askExport('127.0.0.1', '/export', {
        port,
        timeoutMs: 5_000,
        signal: new AbortController().signal,
      }).catch((error: Error) => said.add(error.message));
    server.close();
    expect([...said]).to.deep.equal(['something else answers there']);
  });

  it('units that have failed: ours are red', () => {
    const text =
      'prolo-mdb.service loaded failed failed the machine database\n● cups.service loaded failed failed x\n';
    expect(parseUnits(text)).to.deep.equal(['prolo-mdb.service', 'cups.service']);
    expect(said(units.decide(parseUnits(text)))).to.deep.equal([
      'red: prolo-mdb.service: failed',
      'yellow: cups.service: failed',
    ]);
    expect(said(units.decide(parseUnits('')))).to.deep.equal([]);
  });

  it('daemons of two versions of prolo', () => {
    const answer = (service: string, version: string) => ({ service, version, url: 'http://x', ms: 1 });
    expect(said(services.decide([answer('mdb', '1'), answer('udb', '1')]))).to.deep.equal([]);
    expect(said(services.decide([answer('mdb', '1'), answer('udb', '2')]))).to.deep.equal([
      'yellow: prolo 1: mdb',
      'yellow: prolo 2: udb',
    ]);
  });

  it('versions: damaged where they are booted, and machines that run another', () => {
    const version = {
      version: 3,
      servers: { rhfs0: 'damaged', rhfs2: 'missing' },
      bootedBy: [0],
      triedBy: [],
    };
    const status = { versions: [version], behind: [{ hostname: 'pc1', runs: 2, boots: 3 }], boots: [{}] };
    expect(said(judgeVersions(status as never))).to.deep.equal([
      'red: version 3: damaged on rhfs0',
      'red: version 3: not known to be on rhfs2',
      'yellow: 1 machines run another version than they would boot: pc1',
    ]);
  });

  it('itself: what it quotes moves no cursor, and colours are for terminals', () => {
    const findings: Finding[] = [{ colour: 'red', what: 'x\u001b[2Jy', fix: 'reboot\n' }];
    const outcome = { name: 'raid', subject: 's', colour: 'red' as const, findings, ms: 1 };
    expect(describeOutcomes([outcome], {})).to.equal(
      'red     raid  x?[2Jy\n              reboot?\n\n1 check: 1 red',
    );
  });
});
