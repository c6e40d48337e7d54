import { expect } from 'chai';
import { formatSize, parseSize } from '../../../src/lib/hfs/size.ts';

const MIB = 1024 ** 2;

describe('sizes of homes', () => {
  for (const [text, bytes] of [
    ['8M', 8 * MIB],
    ['512M', 512 * MIB],
    ['2G', 2048 * MIB],
    ['2g', 2048 * MIB],
    ['2GiB', 2048 * MIB],
    ['2GB', 2048 * MIB],
    [' 1.5G ', 1536 * MIB],
    ['16T', 16 * 1024 ** 4],
    ['8388608', 8 * MIB],
    ['8389000', 8 * MIB], // whole blocks of 4 KiB
  ] as const)
    it(`${JSON.stringify(text)} is ${bytes}`, () => expect(parseSize(text)).to.equal(bytes));

  for (const text of [
    '',
    '0',
    '0G',
    '-1G',
    '7M',
    '17T',
    'G',
    '2 G',
    '2X',
    '1e9',
    '2G 3G',
    '1..5G',
    '0x80000000',
    '٢G',
    '9'.repeat(400),
  ])
    // prettier-ignore
    it(`${JSON.stringify(text.slice(0, 20))} is none`, () =>
      expect(() => parseSize(text)).to.throw(/^size .*: not a size of a home$/));

  it('are shown short', () =>
    expect([0, 1023, 4096, 1.5 * MIB, 100.4 * MIB, 2048 * MIB, 3 * 1024 ** 5].map(formatSize)).to.deep.equal([
      '0',
      '1023',
      '4K',
      '1.5M',
      '100M',
      '2G',
      '3072T',
    ]));
});
