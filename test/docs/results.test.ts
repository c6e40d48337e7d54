import { expect } from 'chai';
import { replaceSection } from '../../bench/results.ts';
import { textTable, toJson } from '../../bench/table.ts';
import { atLeast, atMost, median } from '../../bench/figure.ts';

describe('bench/RESULTS.md', () => {
  const head = '# Results\n\nThe last run.\n';

  it('gets a section for a suite that has none, in order', () => {
    const one = replaceSection(head, 'core', '| a |');
    expect(one).to.equal('# Results\n\nThe last run.\n\n## core\n\n| a |\n');
    expect(replaceSection(one, 'boot', '| b |')).to.equal(
      '# Results\n\nThe last run.\n\n## boot\n\n| b |\n\n## core\n\n| a |\n',
    );
  });

  it('has the section of a suite that ran again in the place of the old one', () => {
    const both = replaceSection(replaceSection(head, 'core', '| a |'), 'soak rpc', 'held');
    expect(replaceSection(both, 'core', '| new |')).to.equal(
      '# Results\n\nThe last run.\n\n## core\n\n| new |\n\n## soak rpc\n\nheld\n',
    );
    expect(replaceSection(both, 'soak rpc', 'held')).to.equal(both);
  });
});

describe('npm run bench', () => {
  const figures = [atMost('start', 2.2, 2.2, 'node', 9), atLeast('rate', 0.5, 0.7, 'node:http', 3)];

  it('has a member for each figure', () => {
    expect(toJson(figures)).to.deep.equal({
      start: { value: 2.2, limit: 2.2, holds: true, against: 'node', runs: 9 },
      rate: { value: 0.5, limit: 0.7, holds: false, against: 'at least; node:http', runs: 3 },
    });
  });

  it('prints a table that shows what does not hold', () => {
    expect(textTable(figures)).to.equal(
      [
        'figure  value  limit  holds  against              runs',
        'start   2.2    2.2    yes    node                 9',
        'rate    0.5    0.7    NO     at least; node:http  3',
      ].join('\n'),
    );
  });

  it('takes the middle value', () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2])]).to.deep.equal([2, 2.5]);
  });
});
