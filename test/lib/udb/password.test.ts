import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { generatePassword, openPassword, READABLE, sealPassword } from '../../../src/lib/udb/password.ts';

const key = randomBytes(32).toString('hex');

describe('generated passwords', () => {
  it('have no two characters that look alike', () => {
    for (const alike of ['0oO', '1lIi|', '2zZ', '5sS', '6bG', '9gq', 'uv'])
      expect(
        [...alike].filter((character) => READABLE.includes(character)),
        alike,
      ).to.have.length.at.most(1);
    expect(READABLE).not.to.match(/[0O1lI5S2Z]/);
  });

  it('are as long as asked, each different, each character as likely as any other', () => {
    const passwords = Array.from({ length: 5000 }, () => generatePassword(10));
    expect(new Set(passwords).size).to.equal(5000);
    const counts = new Map<string, number>();
    for (const character of passwords.join('')) counts.set(character, (counts.get(character) ?? 0) + 1);
    expect([...counts.keys()].sort().join('')).to.equal([...READABLE].sort().join(''));
    const expected = 50_000 / READABLE.length;
    // Chi squared with 22 degrees of freedom is above 66 once in 10^6.
    const chi2 = [...counts.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    expect(chi2).to.be.below(66);
  });
});

describe('sealed passwords', () => {
  it('open with the key for their login', () => {
    const sealed = sealPassword(key, 'jdoe', 'clé €');
    expect(sealed).not.to.include('clé');
    expect(openPassword(key, 'jdoe', sealed)).to.equal('clé €');
    expect(sealPassword(key, 'jdoe', 'clé €')).not.to.equal(sealed);
  });

  it('do not open for another login, with another key, or when changed', () => {
    const sealed = sealPassword(key, 'jdoe', 'secret');
    const changed = `${sealed.slice(0, 10)}${sealed[10] === 'A' ? 'B' : 'A'}${sealed.slice(11)}`;
    const other = randomBytes(32).toString('hex');
    for (const open of [
      () => openPassword(key, 'asmith', sealed),
      () => openPassword(other, 'jdoe', sealed),
      () => openPassword(key, 'jdoe', changed),
      () => openPassword(key, 'jdoe', sealed.slice(0, -2)),
      () => openPassword(key, 'jdoe', ''),
      () => openPassword(key, 'jdoe', 'secret'),
    ])
      expect(open).to.throw("cannot be opened with this site's passwords.key");
  });

  it('need a key of 32 bytes', () => {
    expect(() => sealPassword('abc', 'jdoe', 'x')).to.throw('passwords.key: expected 64 hex digits');
  });
});
