import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { findKernel } from '../../../src/lib/kernel-tree.ts';
import { makeInitramfs } from '../../../src/lib/rfs/initramfs.ts';
import { inside } from '../../../src/lib/rfs/inside.ts';
import { firmwareOf, moduleEntries } from '../../../src/lib/rfs/initramfs-modules.ts';
import { needs } from '../../support/needs.ts';
import { rejection } from '../../support/rejection.ts';
import { kernelTreeOfLab, makeStaging, needsKernel } from '../../support/rfs.ts';

describe('the initramfs of a version', function () {
  this.timeout(60_000);
  let dir: string;
  let tree: string;
  let version: string;
  const out = () => ({ vmlinuz: join(dir, 'vmlinuz'), initrd: join(dir, 'initrd.img') });

  before(async function () {
    needs(this, { veritysetup: 'cryptsetup-bin', xz: 'xz-utils', zstd: 'zstd', cpio: 'cpio' });
    needsKernel(this);
    dir = mkdtempSync(join(tmpdir(), 'prolo-initramfs-'));
    tree = join(dir, 'tree');
    await makeStaging(tree, kernelTreeOfLab());
    version = findKernel(tree)!.version;
  });
  after(() => dir && rmSync(dir, { recursive: true, force: true }));

  it('is packed by zstd where the kernel unpacks that, else by gzip', async () => {
    await makeInitramfs(tree, out());
    expect(readFileSync(out().initrd).subarray(0, 2).toString('hex')).to.equal('1f8b');
    writeFileSync(join(tree, 'boot', `config-${version}`), 'CONFIG_RD_GZIP=y\nCONFIG_RD_ZSTD=y\n');
    expect(await makeInitramfs(tree, out())).to.equal(version);
    const archive = execFileSync('zstd', ['-dc', out().initrd], { maxBuffer: 1e9 });
    const names = execFileSync('cpio', ['-t', '--quiet'], { input: archive, encoding: 'utf8' }).split('\n');
    expect(names).to.include.members(['init', 'bin/veritysetup', `lib/modules/${version}/modules.dep`]);
    expect(readdirSync(dir).sort()).to.deep.equal(['initrd.img', 'tree', 'vmlinuz']);
  });

  it('has modules unpacked, and the firmware that they ask for where the tree has it', async () => {
    const modules = join(dir, 'modules');
    const net = 'kernel/drivers/net/ethernet/x';
    mkdirSync(join(modules, net), { recursive: true });
    const text = (name: string) =>
      Buffer.from(`\x7fELF ${name}\0license=GPL\0firmware=rtl_nic/${name}.fw\0firmware=../../etc/shadow\0`);
    for (const name of ['plain', 'xz', 'zst', 'gz'])
      writeFileSync(join(modules, net, `${name}.ko`), text(name));
    execFileSync('xz', [join(modules, net, 'xz.ko')]);
    execFileSync('zstd', ['-q', '--rm', join(modules, net, 'zst.ko')]);
    execFileSync('gzip', [join(modules, net, 'gz.ko')]);
    const files = ['plain.ko', 'xz.ko.xz', 'zst.ko.zst', 'gz.ko.gz'];
    writeFileSync(join(modules, 'modules.dep'), files.map((file) => `${net}/${file}:\n`).join(''));
    const bare = join(dir, 'bare');
    mkdirSync(join(bare, 'usr/lib/firmware/rtl_nic'), { recursive: true });
    mkdirSync(join(bare, 'etc'));
    writeFileSync(join(bare, 'etc/shadow'), 'secret');
    writeFileSync(join(bare, 'usr/lib/firmware/rtl_nic/plain.fw'), 'firmware');
    copyFileSync(
      join(bare, 'usr/lib/firmware/rtl_nic/plain.fw'),
      join(bare, 'usr/lib/firmware/rtl_nic/xz.fw'),
    );
    execFileSync('xz', [join(bare, 'usr/lib/firmware/rtl_nic/xz.fw')]);
    const entries = await moduleEntries(bare, { version: '6.1.0', vmlinuz: '', modules });
    const data = new Map(entries.map((entry) => [entry.path, String(entry.data)]));
    for (const name of ['plain', 'xz', 'zst', 'gz'])
      expect(data.get(`lib/modules/6.1.0/${net}/${name}.ko`), name).to.equal(String(text(name)));
    expect(data.get('lib/modules/6.1.0/modules.dep')).to.equal(
      ['plain', 'xz', 'zst', 'gz'].map((name) => `${net}/${name}.ko:\n`).join(''),
    );
    expect([...data].filter(([path]) => path.startsWith('lib/firmware')).sort()).to.deep.equal([
      ['lib/firmware/rtl_nic/plain.fw', 'firmware'],
      ['lib/firmware/rtl_nic/xz.fw', 'firmware'],
    ]);
    expect(firmwareOf(text('plain'))).to.deep.equal(['rtl_nic/plain.fw']);
  });

  it('has nothing of this host in it, wherever links of the tree lead', async () => {
    const secret = join(dir, 'secret');
    writeFileSync(secret, 'of the gateway alone');
    const alias = join(tree, 'lib/modules', version, 'modules.alias');
    renameSync(alias, `${alias}.kept`);
    symlinkSync(secret, alias);
    const { vmlinuz, initrd } = out();
    try {
      const entries = await moduleEntries(tree, findKernel(tree)!);
      expect(String(entries.find(({ path }) => path.endsWith('/modules.alias'))!.data)).to.equal('');
      const boot = join(tree, 'boot');
      renameSync(boot, `${boot}.kept`);
      symlinkSync('/usr/boot/', boot); // the tree's own
      renameSync(`${boot}.kept`, join(tree, 'usr/boot'));
      expect(await makeInitramfs(tree, { vmlinuz, initrd })).to.equal(version);
      const image = join(tree, 'usr/boot', `vmlinuz-${version}`);
      renameSync(image, `${image}.kept`);
      symlinkSync(secret, image);
      expect((await rejection(makeInitramfs(tree, out()))).message).to.match(/no kernel with its modules$/);
      renameSync(`${image}.kept`, image);
      rmSync(boot);
      renameSync(join(tree, 'usr/boot'), boot);
    } finally {
      renameSync(`${alias}.kept`, alias);
    }
    expect(inside(tree, 'etc/../../../../etc/x')).to.equal(join(tree, 'etc/x'));
  });

  it('is of the newest kernel; one that is only half there is refused', async () => {
    writeFileSync(join(tree, 'boot/vmlinuz-5.10.0-9-amd64'), 'older, and without modules');
    expect(await makeInitramfs(tree, out())).to.equal(version);
    writeFileSync(join(tree, 'boot/vmlinuz-99.1.0'), 'newer');
    expect((await rejection(makeInitramfs(tree, out()))).message).to.match(
      /kernel 99\.1\.0 has no list of its modules$/,
    );
    rmSync(join(tree, 'boot/vmlinuz-99.1.0'));
    rmSync(join(tree, 'boot', `vmlinuz-${version}`));
    execFileSync('mkfifo', [join(tree, 'boot', `vmlinuz-${version}`)]); // who reads it waits for good
    expect((await rejection(makeInitramfs(tree, out()))).message).to.match(/no kernel with its modules$/);
  });
});
