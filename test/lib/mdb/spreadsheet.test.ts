import { expect } from 'chai';
import fc from 'fast-check';
import { decideImport } from '../../../src/lib/mdb/import.ts';
import { planMachines } from '../../../src/lib/mdb/plan.ts';
import type { Machine } from '../../../src/lib/mdb/record.ts';
import { readSheet, writeSheet } from '../../../src/lib/mdb/spreadsheet.ts';
import { parseConfig } from '../../../src/lib/site/parse.ts';

const config = parseConfig('', 'prolo.yml');
const machine = (n: number, more: Partial<Machine> = {}): Machine => ({
  id: n,
  hostname: `pc${n}`,
  aliases: '',
  ip: `192.168.0.${n}`,
  mac: `52:54:00:00:00:0${n}`,
  rfs: n,
  hfs: 0,
  mtype: 'user',
  room: 'pasteur',
  is_faulty: false,
  is_faulty_details: '',
  boot_once: null,
  ...more,
});

describe('a spreadsheet of machines', () => {
  for (const format of ['csv', 'yaml'] as const)
    it(`as ${format} comes back in unchanged, whatever a fault says`, () => {
      fc.assert(
        fc.property(fc.string({ unit: 'grapheme-ascii', maxLength: 30 }), (details) => {
          const text = details.trim();
          const current = [
            machine(1, { aliases: 'a,b', is_faulty: true, is_faulty_details: text }),
            machine(2),
          ];
          const { wishes, remove } = decideImport(
            current,
            readSheet(writeSheet(current, format), format, 'm'),
            true,
          );
          const plan = planMachines(config, current, wishes, remove);
          expect(plan).to.deep.equal({ create: [], update: [], remove: [] });
        }),
      );
    });

  it('does not run in a spreadsheet program', () => {
    expect(
      writeSheet([machine(1, { is_faulty: true, is_faulty_details: '=HYPERLINK("x")' })], 'csv'),
    ).to.include(`'=HYPERLINK`);
  });

  it('may have other columns left out, semicolons, a byte order mark and Windows line ends', () => {
    const [row] = readSheet('\ufeffhostname;rfs\r\npc1;7\r\n', 'csv', 'm.csv');
    expect(row!.input).to.deep.equal({ hostname: 'pc1', rfs: 7 });
  });

  for (const [text, words] of [
    ['hostname,colour\npc1,red\n', 'line 2: field "colour" is unknown'],
    ['hostname,rfs\npc1,x\n', 'line 2: rfs "x" is not a number'],
    ['rfs\n1\n', 'line 2: hostname is missing'],
    ['hostname,rfs\npc1\n', 'line 2: 1 cells, but line 1 names 2 columns'],
    ['', 'm.csv: empty'],
    [' \n', 'm.csv: empty'],
    ['hostname,is_faulty\npc1,maybe\n', 'neither true nor false'],
  ] as const)
    it(`is refused: ${words}`, () => expect(() => readSheet(text, 'csv', 'm.csv')).to.throw(words));

  it('in YAML, a key without a value is left out; a hostname is needed', () => {
    expect(readSheet('- hostname: pc1\n  room:\n  rfs: 7\n', 'yaml', 'm')).to.deep.equal([
      { where: 'm: machine 1', input: { hostname: 'pc1', rfs: 7 } },
    ]);
    expect(() => readSheet('- hostname:\n  rfs: 7\n', 'yaml', 'm')).to.throw('hostname is missing');
  });

  it('with a value that is none is refused with its line', () => {
    const rows = readSheet('hostname,mac\npc1,02:00:00:00:00:01\na_b,02:00:00:00:00:02\n', 'csv', 'm.csv');
    const { wishes } = decideImport([], rows, false);
    expect(() => planMachines(config, [], wishes)).to.throw('m.csv: line 3: machine: hostname "a_b"');
  });

  it('that names one machine twice is refused', () => {
    expect(() =>
      decideImport([machine(1)], [{ input: { hostname: 'pc1' } }, { input: { hostname: 'PC1' } }], false),
    ).to.throw('twice');
  });

  it('finds a renamed machine by its MAC', () => {
    const { wishes } = decideImport(
      [machine(1)],
      [{ input: { hostname: 'new', mac: machine(1).mac } }],
      false,
    );
    expect(wishes[0]!.machine?.id).to.equal(1);
  });
});

describe('a spreadsheet of somebody who is tired, or means ill', () => {
  const read = (text: string, format: 'csv' | 'yaml') => () => readSheet(text, format, 'm');

  it('with a column twice is refused: only one of its cells would count', () => {
    expect(read('hostname,mac,hostname\na,52:54:00:00:00:01,b\n', 'csv')).to.throw(
      '"hostname" is there twice',
    );
  });

  it('with aliases that would unfold to billions, or with maps in place of texts, is refused by its place', () => {
    const lists = 'abcdefghi'.split('').map((name, i, all) => {
      const items = i === 0 ? 'x' : `*${all[i - 1]}`;
      return `- &${name} [${Array(9).fill(items).join(',')}]`;
    });
    expect(read(lists.join('\n'), 'yaml')).to.throw(/^m: .*alias/);
    for (const value of ['{toString: 1}', '[a]'])
      expect(read(`- hostname: ${value}\n  mac: 52:54:00:00:00:01`, 'yaml')).to.throw(
        'm: machine 1: hostname',
      );
    expect(read('- hostname: a\n  aliases: [b, {toString: 1}]', 'yaml')).to.throw('m: machine 1: aliases');
  });
});
