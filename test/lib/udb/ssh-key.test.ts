import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { checkSshKey } from '../../../src/lib/udb/ssh-key.ts';
import { needs } from '../../support/needs.ts';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILfX4ZqXzPzYw0VnNqJ0nBHRx8nF0yWbLhJt3aXf0Qq9';

describe('an SSH key', () => {
  it('is one line: type, key, comment', () => {
    expect(checkSshKey('user x', `  ${key}   jane's\tlaptop \n`)).to.equal(`${key} jane's laptop`);
    expect(checkSshKey('user x', ' \n')).to.equal('');
  });

  it('is accepted as ssh-keygen makes it', function () {
    needs(this, { 'ssh-keygen': 'openssh-client' });
    const dir = mkdtempSync(join(tmpdir(), 'prolo-key-'));
    try {
      for (const [type, bits] of [
        ['ed25519', '0'],
        ['ecdsa', '256'],
        ['ecdsa', '521'],
        ['rsa', '2048'],
      ] as const) {
        const file = join(dir, type + bits);
        execFileSync('ssh-keygen', [
          '-q',
          '-t',
          type,
          ...(bits === '0' ? [] : ['-b', bits]),
          '-N',
          '',
          '-C',
          'a comment',
          '-f',
          file,
        ]);
        const line = readFileSync(`${file}.pub`, 'utf8');
        expect(checkSshKey('user x', line)).to.equal(line.trim());
        expect(() => checkSshKey('user x', readFileSync(file, 'utf8'))).to.throw('private key');
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  const refused: [what: string, text: string, why: string][] = [
    ['options', `command="rm -rf /" ${key}`, 'does not begin with a type'],
    ['a second line', `${key} c\n${key}`, 'more than one line'],
    ['a carriage return', `${key} c\r${key}`, 'more than one line'],
    ['another type', key.replace('ssh-ed25519', 'ssh-rsa'), 'not of the type'],
    ['a key cut short', key.slice(0, -8), 'cut short'],
    ['no key', 'ssh-ed25519', 'not base 64'],
    ['what is not base 64', 'ssh-ed25519 ????', 'not base 64'],
    ['an old type', `ssh-dss ${key.split(' ')[1]}`, 'does not begin with a type'],
  ];
  for (const [what, text, why] of refused)
    it(`is refused with ${what}`, () => {
      expect(() => checkSshKey('user x', text)).to.throw(why);
    });

  it('has no control character in its comment', () => {
    expect(checkSshKey('user x', `${key} a\u001b[31mb`)).to.equal(`${key} a [31mb`);
  });
});
