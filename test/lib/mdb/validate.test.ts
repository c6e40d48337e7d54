import { expect } from 'chai';
import fc from 'fast-check';
import { printable } from '../../../src/lib/cli/table.ts';
import { checkLabel, cleanText, normalizeMac, quote } from '../../../src/lib/mdb/validate.ts';

describe('a MAC address', () => {
  for (const text of [
    '52:54:00:ab:cd:ef',
    '52-54-00-AB-CD-EF',
    '5254.00ab.cdef',
    '525400abcdef',
    ' 52:54:00:AB:CD:EF ',
  ])
    it(`is read as ${JSON.stringify(text)}`, () => expect(normalizeMac(text)).to.equal('52:54:00:ab:cd:ef'));
  for (const text of [
    '',
    '52:54:00:ab:cd',
    '52:54:00:ab:cd:eg',
    '52:54-00:ab:cd:ef',
    '01:80:c2:00:00:0e',
    'ff:ff:ff:ff:ff:ff',
    '00:00:00:00:00:00',
    '52:54:00:ab:cd:ef\n;',
  ])
    it(`is not ${JSON.stringify(text)}`, () => expect(normalizeMac(text)).to.equal(undefined));
});

describe('a hostname', () => {
  for (const text of ['pas-r01p01', 'PAS-R01P01', 'a', '0', 'a'.repeat(63)])
    it(`may be ${text}`, () => expect(checkLabel('machine', text)).to.equal(text.toLowerCase()));
  for (const text of ['a_b', 'a.b', '-a', 'a-', '', 'a;b', 'a\nb', 'é', '\u212aelvin', 'a'.repeat(64), 'a b'])
    it(`may not be ${JSON.stringify(text)}: "a hostname with _ stopped BIND"`, () =>
      expect(() => checkLabel('machine', text)).to.throw('is not a DNS name'));
});

it('free text is one line without control characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(cleanText(text)).to.not.match(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/);
    }),
  );
});

it('a name in an error text can neither steer a terminal nor turn its direction of writing', () => {
  expect(quote('a\u001b[31m\u009b31m\u202eb')).to.equal('"a\\u001b[31m\\u009b31m\\u202eb"');
  expect(printable('a\u001b\u009b\u202e\u2066b')).to.equal('a????b');
});
