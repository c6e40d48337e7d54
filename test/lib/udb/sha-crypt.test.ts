import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { hashPassword, sha512Crypt } from '../../../src/lib/udb/sha-crypt.ts';
import { needs } from '../../support/needs.ts';

describe('SHA-512 crypt', () => {
  // The vectors of the scheme's specification; their salts are cut at 16 characters.
  const vectors: [password: string, salt: string, rounds: number | undefined, hash: string][] = [
    [
      'Hello world!',
      'saltstring',
      undefined,
      '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
    ],
    [
      'Hello world!',
      'saltstringsaltstring',
      10000,
      '$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.',
    ],
    [
      'the minimum number is still observed',
      'roundstoolow',
      10,
      '$6$rounds=1000$roundstoolow$kUMsbe306n21p9R.FRkW3IGn.S9NPN0x50YhH1xhLsPuWGsUSklZt58jaTfF4ZEQpyUNGc0dqbpBYYBaHHrsX.',
    ],
    [
      'we have a short salt string but not a short password',
      'short',
      77777,
      '$6$rounds=77777$short$WuQyW2YR.hBNpjjRhpYD/ifIw05xdfeEyQoMxIXbkvr0gge1a1x3yRULJ5CCaUeOxFmtlcGZelFl5CxtgfiAc0',
    ],
  ];
  for (const [password, salt, rounds, hash] of vectors)
    it(`gives the specification's hash of ${JSON.stringify(password)}`, () => {
      expect(sha512Crypt(password, salt, rounds)).to.equal(hash);
    });

  it('agrees with crypt(3) of this system, whatever the length and the script', function () {
    needs(this, { mkpasswd: 'whois' });
    for (const password of [
      'x',
      'abcdefgh',
      'p'.repeat(63),
      'p'.repeat(64),
      'q'.repeat(128),
      'clé €日本',
      ' $6$:',
    ])
      expect(sha512Crypt(password, 'ab./CD01')).to.equal(
        execFileSync('mkpasswd', ['-m', 'sha-512', '-S', 'ab./CD01', '--stdin'], {
          input: password,
          encoding: 'utf8',
        }).trim(),
        password,
      );
  });

  it('salts each hash anew', () => {
    const hashes = Array.from({ length: 20 }, () => hashPassword('same'));
    expect(new Set(hashes).size).to.equal(20);
    for (const hash of hashes) expect(hash).to.match(/^\$6\$[./0-9A-Za-z]{16}\$[./0-9A-Za-z]{86}$/);
  });
});
