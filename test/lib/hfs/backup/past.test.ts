import { expect } from 'chai';
import { isPast } from '../../../../src/lib/hfs/backup/retention.ts';

describe('an image that may be deleted when its time is over', () => {
  const table: [string, number, { epoch: number } | undefined, boolean, boolean][] = [
    ['the row is past it', 3, { epoch: 4 }, false, true],
    ['the home is elsewhere, and this server gave its word', 3, undefined, true, true],
    ['the home is elsewhere, without a word: its server was thought dead', 3, undefined, false, false],
    ['the row is older: the database was restored from an older day', 5, { epoch: 4 }, true, false],
  ];
  for (const [what, epoch, row, gaveWord, expected] of table)
    it(`${expected ? 'is' : 'is not'}: ${what}`, () =>
      expect(isPast(epoch, row, gaveWord)).to.equal(expected));
});
