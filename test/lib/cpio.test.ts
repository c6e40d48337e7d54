import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { packCpio } from '../../src/lib/cpio.ts';
import { needs } from '../support/needs.ts';

describe('a cpio archive', function () {
  let dir: string;
  before(function () {
    needs(this, { cpio: 'cpio' });
    dir = mkdtempSync(join(tmpdir(), 'prolo-cpio-'));
  });
  after(() => dir && rmSync(dir, { recursive: true, force: true }));
  const unpack = (archive: Buffer): string =>
    execFileSync('cpio', ['-idmu', '--quiet', '--no-absolute-filenames'], {
      input: archive,
      cwd: dir,
      encoding: 'utf8',
    });

  it('gives back files, modes and links, and makes the folders that lead to them', () => {
    unpack(
      packCpio([
        { path: 'bin/busybox', data: Buffer.from([0, 1, 2]), mode: 0o755 },
        { path: 'bin/sh', link: 'busybox' },
        { path: 'etc/deep/er/name', data: 'text\n' },
      ]),
    );
    expect(readFileSync(join(dir, 'bin/busybox'))).to.deep.equal(Buffer.from([0, 1, 2]));
    expect(statSync(join(dir, 'bin/busybox')).mode & 0o777).to.equal(0o755);
    expect(readlinkSync(join(dir, 'bin/sh'))).to.equal('busybox');
    expect(readFileSync(join(dir, 'etc/deep/er/name'), 'utf8')).to.equal('text\n');
  });

  it('holds any bytes, whatever their length', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 }), (files) => {
        unpack(
          packCpio(files.map((data, i) => ({ path: `f${i}${'x'.repeat(i)}`, data: Buffer.from(data) }))),
        );
        files.forEach((data, i) =>
          expect(readFileSync(join(dir, `f${i}${'x'.repeat(i)}`))).to.deep.equal(Buffer.from(data)),
        );
      }),
      { numRuns: 20 },
    );
  });

  it('is the same for the same entries', () => {
    const entries = [{ path: 'a/b', data: 'x' }];
    expect(packCpio(entries).equals(packCpio(entries))).to.equal(true);
  });
});
