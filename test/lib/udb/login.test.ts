import { expect } from 'chai';
import fc from 'fast-check';
import { foldAscii } from '../../../src/lib/udb/fold.ts';
import { freeLogin, loginBase, splitName } from '../../../src/lib/udb/login.ts';

const VALID = /^[a-z_][a-z0-9_-]{0,31}$/;
const base = (name: string): string => {
  const { firstname, lastname } = splitName(name);
  return loginBase(firstname, lastname);
};

describe('a login made of a name', () => {
  const table: [name: string, login: string][] = [
    ['Jane Doe', 'jdoe'],
    ['Jean-Pierre de la Tour', 'jdelatour'],
    ['Zoé Lefèvre', 'zlefevre'],
    ['Øyvind Ærø', 'oaero'],
    ['Łukasz Żółć', 'lzolc'],
    ['Weiß Groß', 'wgross'],
    ['Þór Guðmundsson', 'tgudmundsson'],
    ['Đặng Nguyễn', 'dnguyen'],
    ['İpek Yıldız', 'iyildiz'],
    ["Sinéad O'Neill-Müller", 'soneillmuller'],
    ['Œdipe Œuvre', 'ooeuvre'],
    ['Madonna', 'madonna'],
    ['Γιώργος Παπαδόπουλος', 'gpapadopoulos'],
    ['Юрий Щербаков', 'yshcherbakov'],
    ['Zoe\u0301 Decompose\u0301', 'zdecompose'],
    ['Wei 李', 'wei'],
    ['李 Wang', 'wang'],
    ['李 明', 'user'],
    ['김 민준', 'user'],
    ['42 3PO', 'po'],
    ['1337 404', 'user'],
  ];
  for (const [name, login] of table)
    it(`${name} is ${login}`, () => {
      expect(base(name)).to.equal(login);
    });

  it('is a login, whatever the name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (first, last) => {
        expect(loginBase(first, last)).to.match(VALID);
      }),
    );
  });

  it('is at most 32 long, its number included', () => {
    const long = loginBase('Wolfgang', 'x'.repeat(80));
    expect(long).to.have.length(32);
    const taken = new Set([long]);
    for (let i = 0; i < 12; i++) taken.add(freeLogin(long, (login) => taken.has(login)));
    expect(taken.size).to.equal(13);
    for (const login of taken) expect(login).to.match(VALID);
  });

  it('gets the lowest free number when it is taken', () => {
    const taken = new Set(['jdoe', 'jdoe3']);
    expect(freeLogin('jdoe', (login) => taken.has(login))).to.equal('jdoe2');
    expect(freeLogin('asmith', (login) => taken.has(login))).to.equal('asmith');
    expect(freeLogin('user', () => false)).to.equal('user1');
  });

  it('folds letters, keeping their case', () => {
    expect(foldAscii('ÆØÅ Ł ß Ǆ ﬁ Ｗ')).to.equal('AeOA L ss DZ fi W');
  });
});
