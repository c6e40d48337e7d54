import { expect } from 'chai';
import fc from 'fast-check';
import { labelled } from '../../../src/lib/cli/labelled.ts';

describe('what is said under a label', () => {
  it('is in one column, broken between words; what has no spaces stays whole', () => {
    const rows = [
      { label: 'internet', said: ['goes off at 3 machines:', 'pasteur-r[01-99]p[01-99] and m1'] },
      { label: 'homes', said: ['as they are'] },
    ];
    expect(labelled(rows, 32)).to.deep.equal([
      'internet  goes off at 3',
      '            machines:',
      '          pasteur-r[01-99]p[01-99]',
      '            and m1',
      'homes     as they are',
    ]);
  });

  it('loses no word and keeps to the width, whatever is said', () => {
    const sentence = fc.array(fc.stringMatching(/^[a-z]{1,9}$/), { minLength: 1 });
    fc.assert(
      fc.property(sentence, fc.integer({ min: 16, max: 100 }), (words, width) => {
        const lines = labelled([{ label: 'is', said: [words.join(' ')] }], width);
        expect(lines.join(' ').split(/ +/)).to.deep.equal(['is', ...words]);
        expect(Math.max(...lines.map((line) => line.length))).to.be.at.most(width);
      }),
    );
  });
});
