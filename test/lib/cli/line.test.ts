import { expect } from 'chai';
import { type Pressed, keysOf } from '../../../src/lib/cli/keys.ts';
import { type Edit, editLine, type Line, visiblePart } from '../../../src/lib/cli/line.ts';

/** `ab|c`: the cursor is before c. */
function line(marked: string): Line {
  const cursor = marked.indexOf('|');
  return { text: marked.replace('|', ''), cursor };
}
function marked({ text, cursor }: Line): string {
  return `${text.slice(0, cursor)}|${text.slice(cursor)}`;
}

describe('the line that is typed', () => {
  const cases: [string, Edit, string][] = [
    ['up|me', { edit: 'insert', text: 'ti' }, 'upti|me'],
    ['ab|c', { edit: 'left' }, 'a|bc'],
    ['|abc', { edit: 'left' }, '|abc'],
    ['abc|', { edit: 'right' }, 'abc|'],
    ['ab|c', { edit: 'start' }, '|abc'],
    ['a|bc', { edit: 'end' }, 'abc|'],
    ['ab|c', { edit: 'erase' }, 'a|c'],
    ['|abc', { edit: 'erase' }, '|abc'],
    ['a|bc', { edit: 'erase-next' }, 'a|c'],
    ['ls -l /var/log  |x', { edit: 'erase-word' }, 'ls -l |x'],
    ['ls -l| x', { edit: 'erase-before' }, '| x'],
    ['ls -l| x', { edit: 'erase-after' }, 'ls -l|'],
    ['ls -l |x', { edit: 'word-left' }, 'ls |-l x'],
    ['ls| -l x', { edit: 'word-right' }, 'ls -l| x'],
    ['né|', { edit: 'erase' }, 'n|'],
    ['a👩‍💻|b', { edit: 'left' }, 'a|👩‍💻b'],
    ['e\u0301|b', { edit: 'erase' }, '|b'],
  ];
  for (const [before, edit, after] of cases)
    it(`${edit.edit}: ${before} -> ${after}`, () =>
      expect(marked(editLine(line(before), edit))).to.equal(after));

  it('is scrolled sideways so that the cursor is in sight', () => {
    const long = { text: 'abcdefghij', cursor: 10 };
    expect(visiblePart(long, 5)).to.deep.equal({ before: 'ghij', on: ' ', after: '' });
    expect(visiblePart({ ...long, cursor: 0 }, 5)).to.deep.equal({ before: '', on: 'a', after: 'bcde' });
    expect(visiblePart({ text: '', cursor: 0 }, 5)).to.deep.equal({ before: '', on: ' ', after: '' });
  });
});

describe('keys', () => {
  const keys = (text: string, pressed: Pressed = {}) =>
    keysOf(text, pressed).map((key) =>
      'key' in key ? key.key : key.edit === 'insert' ? `+${key.text}` : key.edit,
    );

  it('typed ahead of a slow line are the line and Enter', () => {
    expect(keys('uptime\r')).to.deep.equal(['+uptime', 'enter']);
  });

  it('pasted with line ends run nothing by themselves', () => {
    expect(keys('cd /\nrm -rf x\n')).to.deep.equal(['+cd / rm -rf x ']);
    expect(keys('\r\nreboot')).to.deep.equal(['+ reboot']);
  });

  it('are those of readline', () => {
    for (const [text, means] of [
      ['a', 'start'],
      ['e', 'end'],
      ['u', 'erase-before'],
      ['k', 'erase-after'],
      ['w', 'erase-word'],
      ['c', 'interrupt'],
      ['d', 'end-of-input'],
      ['r', 'search'],
      ['p', 'older'],
      ['n', 'newer'],
    ] as const)
      expect(keys(text, { ctrl: true })).to.deep.equal([means]);
    expect(keys('', { upArrow: true })).to.deep.equal(['older']);
    expect(keys('', { delete: true })).to.deep.equal(['erase']);
    expect(keys('x', { ctrl: true })).to.deep.equal([]);
  });

  it('leave no control character in the line', () => {
    expect(keys('a\u0001b\u007fc\u0000d\te\u009b')).to.deep.equal([
      '+a',
      'start',
      '+b',
      'erase',
      '+c',
      '+d',
      '+ ',
      '+e',
    ]);
  });
});
