import { expect } from 'chai';
import { findBootFiles } from '../../../src/lib/rfs/boot-files.ts';

const MIB = 2 ** 20;
const file = (path: string, bytes = 100) => ({ path, bytes });

describe('what a boot reads', () => {
  it('comes first in an image, what is read in part after what is read whole', () => {
    const list = '# a remark\nusr/bin/b\nusr/bin/a\n~usr/lib/big\n';
    const files = [file('usr/lib/big'), file('usr/bin/b'), file('usr/bin/c'), file('usr/bin/a')];
    expect(findBootFiles(list, files).sortList).to.equal('usr/bin/a 2\nusr/bin/b 2\nusr/lib/big 1\n');
  });

  it('is told by patterns that go for one name each', () => {
    const files = ['m/6.1/kernel/x.ko', 'm/6.1/y/kernel/x.ko', 'm/6.2/kernel/x.ko.xz'].map((path) =>
      file(path),
    );
    expect(findBootFiles('m/*/kernel/x.ko\n', files).sortList).to.equal('m/6.1/kernel/x.ko 2\n');
  });

  it('is fetched ahead as far as it is read whole, and not beyond', () => {
    const files = [file('a', 10 * MIB), file('b', 90 * MIB)];
    expect(findBootFiles('a\n~b\n', files).aheadBytes / MIB).to.be.within(2, 4);
    expect(findBootFiles('', files)).to.deep.equal({ sortList: '', aheadBytes: 0 });
  });

  it('leaves names alone that the list of mksquashfs cannot say', () => {
    const files = ['a b', 'a\nb 3', 'a"b', 'a\\b'].map((path) => file(path));
    expect(findBootFiles('a*\n', files).sortList).to.equal('');
    const foreign = file(Buffer.from('x\xe9y', 'latin1').toString());
    expect(findBootFiles('*\n', [foreign, file('xy')]).sortList).to.equal('xy 2\n');
  });

  it('is found at once whatever the stars', () => {
    const path = `a/${'b'.repeat(120)}`;
    const wanted = (list: string): boolean => findBootFiles(`${list}\n`, [file(path)]).sortList !== '';
    for (const list of ['*/**', '*b*b*', 'a/*b*b*b', `a/${'*b'.repeat(60)}*`, '*', 'a*'])
      expect(wanted(list), list).to.equal(list !== '*b*b*');
    for (const list of [`a/${'*'.repeat(60)}x`, `a/${'*b'.repeat(60)}*x`, 'a*b', 'a/*/b', 'a/*bx*b'])
      expect(wanted(list), list).to.equal(false);
  });
});
