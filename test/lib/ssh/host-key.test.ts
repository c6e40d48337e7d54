import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { fingerprint, hostKeyOfSecret, typeOfKey } from '../../../src/lib/ssh/host-key.ts';
import { rejection } from '../../support/rejection.ts';
import { needs } from '../../support/needs.ts';

describe('the host key of the PCs', () => {
  let dir: string;
  before(function () {
    needs(this, { 'ssh-keygen': 'openssh-client' });
    dir = mkdtempSync(join(tmpdir(), 'prolo-host-key-'));
  });
  after(() => dir && rmSync(dir, { recursive: true }));

  it('is one that ssh-keygen reads, with the public half and the fingerprint that it finds', () => {
    const file = join(dir, 'key');
    const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(seed, (bytes) => {
        const key = hostKeyOfSecret(Buffer.from(bytes).toString('hex'));
        writeFileSync(file, key.privateText, { mode: 0o600 });
        const publicText = execFileSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' });
        expect(publicText.split(' ').slice(0, 2).join(' ').trim()).to.equal(key.publicText);
        const list = execFileSync('ssh-keygen', ['-l', '-f', file], { encoding: 'utf8' });
        expect(list.split(' ')[1]).to.equal(fingerprint(key.publicKey));
      }),
      { numRuns: 20 },
    );
  });

  it('signs what its public half verifies', () => {
    const key = hostKeyOfSecret('07'.repeat(32));
    const file = join(dir, 'signer');
    writeFileSync(file, key.privateText, { mode: 0o600 });
    writeFileSync(join(dir, 'text'), 'hello');
    execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-n', 'file', '-f', file, join(dir, 'text')], {
      stdio: 'ignore',
    });
    writeFileSync(join(dir, 'signers'), `pcs ${key.publicText}\n`);
    const signed = ['-n', 'file', '-s', join(dir, 'text.sig'), '-f', join(dir, 'signers'), '-I', 'pcs'];
    const checked = spawnSync('ssh-keygen', ['-Y', 'verify', ...signed], {
      input: readFileSync(join(dir, 'text')),
    });
    expect(checked.status).to.equal(0);
  });

  it('is the same each time, byte for byte', () => {
    expect(hostKeyOfSecret('0a'.repeat(32))).to.deep.equal(hostKeyOfSecret('0A'.repeat(32)));
  });

  it('is none of a secret that is no seed', async () => {
    const error = await rejection(Promise.resolve().then(() => hostKeyOfSecret('x'.repeat(64))));
    expect(error).to.include({ kind: 'config' });
    expect(error.message).not.to.include('xxx');
  });

  it('has a type only where it is a key', () => {
    expect(['', 'ab', '\0\0\0\x03abcdef'].map((text) => typeOfKey(Buffer.from(text)))).to.deep.equal([
      '',
      '',
      'abc',
    ]);
  });
});
