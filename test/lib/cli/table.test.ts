import { expect } from 'chai';
import { nearest } from '../../../src/lib/cli/nearest.ts';
import { table } from '../../../src/lib/cli/table.ts';

describe('a table', () => {
  const rows = [
    ['a', '', '陳 大文', 'x'],
    ['bb', '', 'Łukasz Żak', 'y'],
  ];

  it('is aligned by what a terminal shows, not by the number of letters', () => {
    expect(table(['k', 'none', 'name', 'end'], rows, {}).split('\n')).to.deep.equal([
      'K   NONE  NAME        END',
      'a   -     陳 大文     x',
      'bb  -     Łukasz Żak  y',
    ]);
  });

  it('leaves out columns that say nothing where a terminal is too narrow, and nowhere else', () => {
    const lines = (columns: number) =>
      table(['k', 'none', 'name', 'end'], rows, { isTTY: true, columns }).split('\n');
    expect(lines(80)[1]).to.equal('a   -     陳 大文     x');
    expect(lines(24)[1]).to.equal('a   陳 大文     x');
    expect(lines(24)[0]).to.include('K   NAME        END').and.not.include('NONE');
  });
});

describe('a command that is not there', () => {
  const known = ['mdb', 'mdb list', 'mdb set', 'mdb switch list', 'udb list', 'netboot watch'];
  for (const [wanted, meant] of [
    ['mdb lst', ['mdb list']],
    ['list', ['mdb list', 'mdb switch list', 'udb list']],
    ['mbd', ['mdb']],
    ['netboot wach', ['netboot watch']],
    ['frobnicate', []],
  ] as const)
    it(`${wanted}: ${meant.join(', ') || 'nothing'}`, () =>
      expect(nearest(wanted, [...known, ...known])).to.deep.equal(meant));
});
