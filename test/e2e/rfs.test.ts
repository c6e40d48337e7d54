import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { keyPairOf } from '../../src/lib/ed25519.ts';
import type { Pc } from '../../src/lib/lab/lab.ts';
import type { MachineRecord } from '../../src/lib/mdb/record.ts';
import { remoteOf } from '../../src/lib/rfs/remote.ts';
import { parseSuperblock } from '../../src/lib/rfs/squashfs/superblock.ts';
import { findDamage, readManifest } from '../../src/lib/rfs/version.ts';
import { proloBin } from '../support/cli.ts';
import { needsLab, STEP_MS } from '../support/lab.ts';
import { needs } from '../support/needs.ts';
import { kernelTreeOfLab, makeStaging } from '../support/rfs.ts';
import { bringThroughKills } from '../support/rsync-kill.ts';
import { type RfsLab, rfsLabPackages, startRfsLab } from '../support/rfs-lab.ts';

/** The first process of the root: says where it is, and then does what is typed. */
const INIT = `#!/usr/bin/busybox sh
exec </dev/console >/dev/console 2>&1
b=/usr/bin/busybox
echo "ROOT version $($b cat /run/prolo/version): $($b cat /etc/motd)"
while read -r command; do $b sh -c "$command"; echo "DONE $?"; done
`;
const MIB = 1024 ** 2;
const NFS_GONE_MS = 20_000;

interface TinyPc extends Pc {
  /** What it says to a command line. */
  ask(command: string): Promise<string>;
  /** Types it, and does not wait. */
  begin(command: string): Promise<void>;
  /** Waits for the end of what was begun. */
  said(): Promise<string>;
}

describe('PCs that boot versions of the root filesystem, from two file servers', function () {
  this.timeout(6 * STEP_MS);
  let lab: RfsLab;
  const data = randomBytes(8 * MIB);
  const sha256 = createHash('sha256').update(data).digest('hex');
  const motd = (text: string): void => writeFileSync(join(lab.staging, 'etc/motd'), `${text}\n`);

  before(async function () {
    needsLab(this);
    needs(this, rfsLabPackages);
    lab = await startRfsLab();
    await makeStaging(lab.staging, kernelTreeOfLab());
    mkdirSync(join(lab.staging, 'usr/share'), { recursive: true });
    writeFileSync(join(lab.staging, 'usr/share/data'), data);
    writeFileSync(join(lab.staging, 'usr/sbin/init'), INIT, { mode: 0o755 });
    motd('one');
    await lab.prolo('rfs', 'commit', '-m', 'the first');
  });
  after(() => lab?.stop());
  afterEach(function () {
    // Also of a test that will be tried again, which has no state yet.
    if (this.currentTest?.state !== 'passed') console.log(lab.lastWords());
  });

  async function boot(n: number): Promise<TinyPc> {
    const pc = await lab.boot(n);
    await pc.console.waitFor(/^ROOT version \d+: \w+\s/m, 2 * STEP_MS);
    const begin = (command: string): Promise<void> => pc.console.type(`${command}\n`);
    let from = 0;
    const said = async (): Promise<string> => {
      await pc.console.waitFor(/^DONE \d+/m, STEP_MS);
      return pc.console.text().slice(from);
    };
    return {
      ...pc,
      said,
      async begin(command) {
        from = pc.console.text().length;
        await begin(command);
      },
      async ask(command) {
        from = pc.console.text().length;
        await begin(command);
        return said();
      },
    };
  }

  it('a commit changes nothing for a PC that runs; its next boot has it; after a rollback the next has the old one', async () => {
    const first = await boot(1);
    expect(first.console.text()).to.match(/^ROOT version 1: one$/m);

    motd('two');
    await lab.prolo('rfs', 'commit', '-m', 'the second');
    // Made out of the first: new data stand behind all of its own. The kernel of the PC that boots it reads the tables that we wrote.
    const dataEnd = (version: number): number =>
      parseSuperblock(readFileSync(join(lab.versions, `${version}/root.img`)))!.inodeTable;
    expect(dataEnd(2)).to.be.above(dataEnd(1));
    expect(await first.ask('cat /etc/motd')).to.match(/^one$/m);
    await first.stop();

    const second = await boot(1);
    expect(second.console.text()).to.match(/^ROOT version 2: two$/m);
    await second.stop();

    await lab.prolo('rfs', 'rollback');
    const third = await boot(1);
    expect(third.console.text()).to.match(/^ROOT version 1: one$/m);
    await third.stop();
  });

  it('only the PC that was chosen boots what is tried', async () => {
    motd('three');
    await lab.prolo('rfs', 'commit', '-m', 'to try', '--canary', lab.pcName(2));
    const [chosen, other] = await Promise.all([boot(2), boot(4)]);
    expect(chosen.console.text()).to.match(/^ROOT version 3: three$/m);
    expect(other.console.text()).to.match(/^ROOT version 1: one$/m);
    await Promise.all([chosen.stop(), other.stop()]);
    await lab.prolo('rfs', 'rollback');
  });

  it('a copy whose rsync is killed at random 50 times is completed by the next, byte for byte', async () => {
    const [, server] = lab.servers;
    const version = 1;
    const manifest = await readManifest(lab.versions, version, keyPairOf(lab.site.secret('rfs.sign')));
    const { ssh, ...remote } = remoteOf(lab.site, { hostname: 'rhfs23', ip: server.ip } as MachineRecord);
    const inLab = ['ip', 'netns', 'exec', lab.network.netns, ...ssh];
    const { killed, late } = await bringThroughKills({
      remote: { ...remote, ssh: inLab },
      dir: lab.versions,
      folder: server.folder,
      manifest,
      kills: 50,
    });
    console.log(`      ${killed} were killed, ${late} had ended before`);
    expect(killed).to.equal(50);
    expect(await findDamage(server.folder, manifest)).to.deep.equal([]);
    expect(readdirSync(server.folder).filter((name) => name.startsWith('.new'))).to.deep.equal([]);
  });

  it('the NFS server is away for 20 s: what runs goes on, what reads waits and gets every byte', async () => {
    const [server] = lab.servers;
    const pc = await boot(1);
    await pc.ask('(i=0; while true; do i=$((i + 1)); echo $i >/tmp/lives; sleep 0.2; done) &');
    await server.stopNfs();
    await pc.begin('sha256sum /usr/share/data');
    await sleep(NFS_GONE_MS);
    expect(pc.console.text()).not.to.contain(sha256);
    await server.startNfs();
    expect(await pc.said()).to.contain(sha256);
    // Five a second, if it was never stopped; on a slow machine less.
    expect(Number(/^\d+/m.exec((await pc.ask('cat /tmp/lives')).replace(/.*lives/, ''))?.[0])).to.be.above(
      30,
    );
    await pc.stop();
  });

  it('the nearest server is dead: the PC boots from the other', async () => {
    const [nearest] = lab.servers;
    await nearest.plug(false);
    try {
      const pc = await boot(1);
      expect(pc.console.text()).to.match(/^ROOT version 1: one$/m);
      expect(pc.console.text()).to.contain(`prolo: no NFS server answers at ${nearest.ip}; still trying`);
      expect(await pc.ask('sha256sum /usr/share/data')).to.contain(sha256);
      await pc.stop();
    } finally {
      await nearest.plug(true);
    }
  });

  describe('where a server has changed a block', () => {
    before(() => flip(join(lab.servers[0].folder, '1/root.img'), data));

    it('verify finds it, and no machine is told to boot it from there', async () => {
      const cli = (...args: string[]) =>
        lab.run([process.execPath, proloBin, ...args], {
          env: { PROLO_CONFIG: lab.site.file },
          timeoutMs: STEP_MS,
        });
      const verified = await cli('rfs', 'verify', '1');
      expect(verified.exitCode, verified.stderr).to.equal(1);
      expect(verified.stdout + verified.stderr).to.match(/rhfs01.*root\.img/);
      const promoted = await cli('rfs', 'promote', '1');
      expect(promoted.exitCode, promoted.stderr).not.to.equal(0);
      expect(promoted.stderr).to.match(/version 1: rhfs01 does not have it/);
    });

    it('a PC that reads it gets an error, never the wrong bytes', async () => {
      const pc = await boot(1);
      expect(pc.console.text()).to.match(/^ROOT version 1: one$/m);
      expect(await pc.ask('cat /usr/share/data >/dev/null; echo read $?')).to.match(
        /[Ii]nput\/output error|I\/O error/,
      );
      await pc.stop();
    });

    it('for rescue one boot can do without the check, and another without the server', async () => {
      await lab.prolo('netboot', 'once', lab.pcName(1), 'noverify');
      await lab.prolo('netboot', 'once', lab.pcName(4), 'toram');
      const [unchecked, inMemory] = await Promise.all([boot(1), boot(4)]);
      expect(unchecked.console.text()).to.contain('prolo: UNVERIFIED');
      const said = await unchecked.ask('sha256sum /usr/share/data');
      expect(said)
        .to.match(/^[0-9a-f]{64} /m)
        .and.not.to.contain(sha256);
      const [, server] = lab.servers;
      await server.stopNfs();
      expect(await inMemory.ask('sha256sum /usr/share/data')).to.contain(sha256);
      await server.startNfs();
      await Promise.all([unchecked.stop(), inMemory.stop()]);
    });

    it('where it is the first block, its PC boots from the other server', async () => {
      const image = join(lab.servers[0].folder, '1/root.img');
      const file = openSync(image, 'r+');
      writeSync(file, Buffer.from('XXXX'), 0, 4, 0);
      closeSync(file);
      const pc = await boot(1);
      expect(pc.console.text()).to.match(/^ROOT version 1: one$/m);
      expect(pc.console.text()).to.contain(`prolo: version 1 from ${lab.servers[1].ip}, as `);
      await pc.stop();
    });
  });
});

/** Changes one bit of the image, in the middle of those bytes. */
function flip(image: string, data: Buffer): void {
  const place = readFileSync(image).indexOf(data.subarray(500_000, 500_064));
  expect(place).to.be.above(0);
  const file = openSync(image, 'r+');
  writeSync(file, Buffer.from([data[500_000]! ^ 1]), 0, 1, place);
  closeSync(file);
}
