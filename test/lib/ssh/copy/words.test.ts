import { expect } from 'chai';
import {
  destinationOf,
  refuseSameNames,
  sourceOf,
  splitCopyWords,
} from '../../../../src/lib/ssh/copy/words.ts';

describe('the words of a copy', () => {
  it('has the selection before --, what is copied after it, and where last', () => {
    const argv = ['node', 'prolo', 'pcp', '-y', '@room:a', 'x', '--', '-f', 'a b', '/etc/'];
    const words = ['@room:a', 'x', '-f', 'a b', '/etc/'];
    expect(splitCopyWords('pcp', argv, words)).to.deep.equal({
      selection: ['@room:a', 'x'],
      from: ['-f', 'a b'],
      to: '/etc/',
    });
  });

  it('refuses one word, none, and an empty one', () => {
    expect(() => splitCopyWords('pcp', ['pcp', 'a', 'b'], ['a', 'b'])).to.throw('pcp: nothing to copy');
    expect(() => splitCopyWords('pget', ['pget', '--', 'b'], ['b'])).to.throw('pget: copy where?');
    expect(() => splitCopyWords('pcp', ['pcp', '--', 'b', '', '/'], ['b', '', '/'])).to.throw(
      'word 2 after -- is empty',
    );
  });

  const sources: [string, string, string][] = [
    ['motd', '.', 'motd'],
    ['/etc/motd', '/etc', 'motd'],
    ['dir//', '.', 'dir'],
    ['dir/.', 'dir/.', '.'],
    ['..', '..', '.'],
    ['/', '/', '.'],
    ['-f', '.', '-f'],
    ['a\nb/c d', 'a\nb', 'c d'],
  ];
  for (const [path, dir, name] of sources)
    it(`${JSON.stringify(path)} is ${name} in ${JSON.stringify(dir)}`, () => {
      expect(sourceOf(path)).to.deep.equal({ dir, name });
    });

  it('takes a destination for a folder when it is written so, or several things go there', () => {
    const one = [sourceOf('a')];
    expect(destinationOf('/etc/', one)).to.deep.equal({
      path: '/etc/',
      dir: '/',
      name: 'etc',
      isFolder: true,
    });
    expect(destinationOf('/etc/x', one)).to.include({ dir: '/etc', name: 'x', isFolder: false });
    expect(destinationOf('/etc/x', [...one, sourceOf('b')])).to.include({ isFolder: true });
    expect(destinationOf('-x', one)).to.include({ path: './-x', dir: '.', isFolder: false });
    expect(destinationOf('.', one)).to.include({ isFolder: true });
  });

  it('refuses two things of one name', () => {
    expect(() => refuseSameNames(['a', 'b', 'a'])).to.throw('a: two of that name');
    refuseSameNames(['a', 'b']);
  });
});
