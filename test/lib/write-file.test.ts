import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readFileIfThere, writeFileAtomic } from '../../src/lib/write-file.ts';
import { needs } from '../support/needs.ts';
import { rejection } from '../support/rejection.ts';

describe('writing a file', () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'prolo-write-'))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('replaces it whole, with its mode, and leaves nothing else', async () => {
    const file = join(dir, 'sub/secret');
    await writeFileAtomic(file, 'one', 0o600);
    await writeFileAtomic(file, 'two', 0o600);
    expect(readFileSync(file, 'utf8')).to.equal('two');
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    expect(readdirSync(join(dir, 'sub'))).to.deep.equal(['secret']);
    expect(await readFileIfThere(join(dir, 'none'))).to.equal(undefined);
  });

  it('on a full disk is an error that names the file, and the old one stays', async function () {
    needs(this, { mount: 'mount' });
    const small = join(dir, 'small');
    mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', small]);
    try {
      const file = join(small, 'zone');
      await writeFileAtomic(file, 'old');
      const error = await rejection(writeFileAtomic(file, 'x'.repeat(200_000)));
      expect(error).to.include({ kind: 'full' });
      expect(error.message).to.include(file);
      expect(readFileSync(file, 'utf8')).to.equal('old');
      expect(readdirSync(small)).to.deep.equal(['zone']);
    } finally {
      execFileSync('umount', [small]);
    }
  });

  it('a writer that is killed at any moment leaves the old text or the new', async function () {
    this.timeout(30_000);
    const file = join(dir, 'zone');
    const [a, b] = ['a'.repeat(300_000), 'b'.repeat(300_000)];
    writeFileSync(file, a);
    const program = `
      const { writeFileAtomic } = await import(${JSON.stringify(join(import.meta.dirname, '../../src/lib/write-file.ts'))});
      for (;;) { await writeFileAtomic(${JSON.stringify(file)}, 'b'.repeat(300000)); await writeFileAtomic(${JSON.stringify(file)}, 'a'.repeat(300000)); }`;
    chmodSync(dir, 0o700);
    const { spawn } = await import('node:child_process');
    for (let round = 0; round < 8; round++) {
      const child = spawn(process.execPath, ['--import=tsx', '--input-type=module', '-e', program], {
        stdio: 'ignore',
      });
      await new Promise((resolve) => setTimeout(resolve, 350 + Math.random() * 200));
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('exit', resolve));
      expect([a, b]).to.include(readFileSync(file, 'utf8'));
    }
  });
});
