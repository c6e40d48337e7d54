import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { makeImage } from '../../../src/lib/rfs/image.ts';
import { needs } from '../../support/needs.ts';
import { rejection } from '../../support/rejection.ts';

const NOBODY = 65534;

describe('an image', () => {
  let dir: string;
  const at = (name: string): string => join(dir, name);
  const make = (): Promise<void> =>
    makeImage(at('tree'), at('image'), { compression: 'zstd', blockBytes: 131072 });

  beforeEach(function () {
    needs(this, { mksquashfs: 'squashfs-tools', unsquashfs: 'squashfs-tools' });
    dir = mkdtempSync(join(tmpdir(), 'prolo-image-'));
    for (const folder of ['etc', 'run/.lock', 'tmp/.X11-unix', 'var/tmp'])
      mkdirSync(at(`tree/${folder}`), { recursive: true });
    for (const file of ['etc/motd', 'run/pid', 'tmp/.hidden', 'var/tmp/.hidden'])
      writeFileSync(at(`tree/${file}`), 'x');
  });
  afterEach(() => dir && rmSync(dir, { recursive: true, force: true }));

  it('has nothing of what is made anew at each boot, hidden or not', async () => {
    await make();
    const listed = execFileSync('unsquashfs', ['-l', '-d', '', at('image')], { encoding: 'utf8' });
    expect(listed.split('\n').filter((line) => line.startsWith('/'))).to.deep.equal(
      ['/etc', '/etc/motd', '/run', '/tmp', '/var', '/var/tmp'], // prettier-ignore
    );
  });

  it('is none when a file cannot be read', async function () {
    if (process.getuid?.() !== 0) this.skip();
    chmodSync(at('tree/etc/motd'), 0o600);
    chmodSync(dir, 0o777);
    process.seteuid!(NOBODY);
    const error = await rejection(make()).finally(() => process.seteuid!(0));
    expect(error.message).to.match(/^program mksquashfs: .*Failed to read file .*etc\/motd/);
  });
});
