import { randomBytes } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Pc } from '../../src/lib/lab/lab.ts';
import { labMac } from '../../src/lib/lab/qemu.ts';
import { labDraft } from '../../src/lib/lab/site.ts';
import { needsLab, startTestLab, STEP_MS, type TestLab } from '../support/lab.ts';
import { needs } from '../support/needs.ts';
import { nfsPackages, startNfs } from '../support/nfs.ts';
import { kernelTreeOfLab, makeStaging } from '../support/rfs.ts';

/** The first process of the root: says where it is, and then does what is typed. */
const INIT = `#!/usr/bin/busybox sh
exec </dev/console >/dev/console 2>&1
b=/usr/bin/busybox
echo "ROOT version $($b cat /run/prolo/version): $($b cat /etc/motd)"
while read -r command; do $b sh -c "$command"; echo "DONE $?"; done
`;
const PORT = 8080;

describe('a PC that boots a version of the root filesystem', function () {
  this.timeout(6 * STEP_MS);
  let dir: string;
  let lab: TestLab;
  const at = (name: string): string => join(dir, name);
  const data = randomBytes(1024 * 1024);

  before(async function () {
    needsLab(this);
    needs(this, { ...nfsPackages, mksquashfs: 'squashfs-tools', veritysetup: 'cryptsetup-bin' });
    dir = mkdtempSync(join(tmpdir(), 'prolo-e2e-rfs-'));
    mkdirSync(at('versions'));
    await makeStaging(at('staging'), kernelTreeOfLab());
    mkdirSync(at('staging/usr/share'), { recursive: true });
    writeFileSync(at('staging/usr/share/data'), data);
    writeFileSync(at('staging/usr/sbin/init'), INIT, { mode: 0o755 });
    writeFileSync(at('staging/etc/motd'), 'one\n');
    lab = await startTestLab({
      ...labDraft,
      netboot: { ...labDraft.netboot!, bootUrl: `http://192.168.1.254:${PORT}` },
      rfs: { staging: at('staging'), dir: at('versions') },
    });
    await lab.start('httpd', [
      'busybox',
      'httpd',
      '-f',
      '-p',
      `${lab.network.gateway}:${PORT}`,
      '-h',
      at('versions'),
    ]);
    await startNfs(lab, at('versions'));
    // The gateway is the only root file server.
    for (const n of [0, 2, 4, 6, 8]) await lab.prolo('mdb', 'set', `rfs${n}`, '--aliases', '');
    await lab.prolo('mdb', 'set', 'gw', '--aliases', 'rfs0,netboot');
    await lab.prolo('mdb', 'set', '@mtype:user,@mtype:orga', '--rfs', '0');
    await lab.prolo(
      'mdb',
      'add',
      '--hostname',
      'alt-r01p01',
      '--mac',
      labMac(1),
      '--rfs',
      '0',
      '--room',
      'alt',
    );
  });
  after(async () => {
    await lab?.stop();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  async function boot(name: string): Promise<Pc & { ask(command: string): Promise<string> }> {
    const pc = await lab.plugPc({ name, mac: labMac(1), memoryMib: 1024 });
    await pc.console.waitFor(/^ROOT version \d+: \w+\s/m, 2 * STEP_MS);
    return {
      ...pc,
      async ask(command) {
        await pc.console.type(`${command}\n`);
        await pc.console.waitFor(/^DONE \d+/m, STEP_MS);
        return pc.console.text().slice(pc.console.text().lastIndexOf(command));
      },
    };
  }

  it('has the one of the last commit; one that runs keeps its own; going back is one command', async () => {
    await lab.prolo('rfs', 'commit', '-m', 'the first');
    const first = await boot('first');
    expect(first.console.text()).to.match(/^ROOT version 1: one$/m);

    writeFileSync(at('staging/etc/motd'), 'two\n');
    await lab.prolo('rfs', 'commit', '-m', 'the second');
    expect(await first.ask('cat /etc/motd')).to.match(/^one$/m);
    await first.stop();

    const second = await boot('second');
    expect(second.console.text()).to.match(/^ROOT version 2: two$/m);
    await second.stop();

    await lab.prolo('rfs', 'rollback');
    const third = await boot('third');
    expect(third.console.text()).to.match(/^ROOT version 1: one$/m);
    await third.stop();
  });

  it('gets an error for a block that the server has changed, never the wrong bytes', async () => {
    const image = at('versions/1/root.img');
    const place = readFileSync(image).indexOf(data.subarray(500_000, 500_064));
    expect(place).to.be.above(0);
    const file = openSync(image, 'r+');
    writeSync(file, Buffer.from([data[500_000]! ^ 1]), 0, 1, place);
    closeSync(file);
    const pc = await boot('flipped');
    expect(pc.console.text()).to.match(/^ROOT version 1: one$/m);
    expect(await pc.ask('cat /usr/share/data >/dev/null; echo read $?')).to.match(
      /[Ii]nput\/output error|I\/O error/,
    );
    await pc.stop();
  });
});
