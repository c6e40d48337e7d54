import { expect } from 'chai';
import { checkLogin } from '../../../src/lib/udb/validate.ts';

describe('a login', () => {
  for (const text of ['joseph', 'Joseph', 'j', 'a-b_c9', 'constructor', 'a'.repeat(32)])
    it(`may be ${text}`, () => expect(checkLogin('user', text)).to.equal(text.toLowerCase()));
  for (const text of [
    '',
    '__proto__',
    '_apt',
    '1a',
    '-a',
    'a b',
    'a:b',
    'a\nb',
    'é',
    '\u212aate',
    'a'.repeat(33),
  ])
    it(`may not be ${JSON.stringify(text)}: it is a key, a field of passwd and a folder's name`, () =>
      expect(() => checkLogin('user', text)).to.throw('is not a login'));
});
