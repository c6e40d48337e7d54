import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import fc from 'fast-check';
import { ProloError } from '../../src/lib/errors.ts';
import type { MachineRecord } from '../../src/lib/mdb/record.ts';
import { selectMachines } from '../../src/lib/mdb/select.ts';
import { foldNodeset, MAX_NAMES, parseNodeset } from '../../src/lib/nodeset.ts';
import { needs } from '../support/needs.ts';

const sorted = (names: Iterable<string>): string[] => [...names].sort();
const failure = (work: () => unknown): ProloError => {
  try {
    work();
  } catch (error) {
    if (error instanceof ProloError) return error;
    throw error;
  }
  throw new Error('expected an error');
};

describe('parseNodeset', () => {
  const table: [string, string][] = [
    ['', ''],
    ['  ', ''],
    ['a', 'a'],
    ['a,b', 'a b'],
    ['a, b  c', 'a b c'],
    ['a,a,b', 'a b'],
    ['p[1-3]', 'p1 p2 p3'],
    ['p[01-03]', 'p01 p02 p03'],
    ['p[08-11]', 'p08 p09 p10 p11'],
    ['p[8-11]', 'p8 p9 p10 p11'],
    ['p[098-101]', 'p098 p099 p100 p101'],
    ['p[98-101]', 'p98 p99 p100 p101'],
    ['p[09-101/46]', 'p09 p55 p101'],
    ['p[1,3,5-7]', 'p1 p3 p5 p6 p7'],
    ['p[1, 3]', 'p1 p3'],
    ['p[1-9/2]', 'p1 p3 p5 p7 p9'],
    ['p[0-9/4]', 'p0 p4 p8'],
    ['p[1-3]0', 'p10 p20 p30'],
    ['[1-2]', '1 2'],
    ['r[01-02]p[1-2]', 'r01p1 r01p2 r02p1 r02p2'],
    ['r[1-2][1-2]', 'r11 r12 r21 r22'],
    ['a[1-4]!a2', 'a1 a3 a4'],
    ['a[1-4] ! a[2-3]', 'a1 a4'],
    ['a[1-4]&a[3-9]', 'a3 a4'],
    ['a[1-4]^a[3-6]', 'a1 a2 a5 a6'],
    ['a,b!a,a', 'b a'],
    ['a,b!a,b', 'b'],
    ['a[1-9]&a[3-20]^a4', 'a3 a5 a6 a7 a8 a9'],
    ['pas-r01p01.prolo', 'pas-r01p01.prolo'],
  ];
  for (const [text, names] of table)
    it(`${JSON.stringify(text)} is ${names || 'nothing'}`, () =>
      expect(parseNodeset(text).join(' ')).to.equal(names));

  const wrong: [string, RegExp][] = [
    ['a[1', /a \[ without its \]/],
    ['a]1', /a \] without its \[/],
    ['a[1[2]]', /a bracket inside a bracket/],
    ['a[]', /\[\] is not a range/],
    ['a[x]', /\[x\] is not a range/],
    ['a[3-1]', /\[3-1\] is not a range/],
    ['a[1-3/0]', /\[1-3\/0\] is not a range/],
    ['a[1-]', /\[1-\] is not a range/],
    ['a[1--3]', /is not a range/],
    ['a[1-003]', /padded differently/],
    ['a[001-3]', /padded differently/],
    ['a,,b', /nothing before ,/],
    [',a', /nothing before ,/],
    ['a!', /nothing after !/],
    ['a&!b', /nothing before !/],
    ['!', /nothing before !/],
    ['a;b', /";" cannot be in a name/],
    ['a$(b)', /"\$" cannot be in a name/],
    ['é', /"é" cannot be in a name/],
    ['a*', /nothing here that \* or \? could match/],
    ['@all', /no groups here/],
    ['@', /is not a group/],
    ['a[1-999999999]', /more than 100000 names/],
    ['a[1-999999999999/1]', /more than 100000 names/],
    ['a[1-1000]b[1-1000]', /more than 100000 names/],
    ['a[1-9]b[1-9]c[1-9]d[1-9]e[1-9]f[1-9]', /more than 100000 names/],
    [`a${'[1-99999]'.repeat(10_000)}`, /more than 100000 names/],
    ['a[1-60000],b[1-60000]', /more than 100000 names/],
    ['a[9999999999999]', /is not a range/],
  ];
  for (const [text, message] of wrong)
    it(`${JSON.stringify(text.slice(0, 40))} is refused`, () => {
      const error = failure(() => parseNodeset(text));
      expect(error.kind).to.equal('bad-input');
      expect(error.message).to.match(message);
    });

  it('takes its bound itself', () => expect(parseNodeset(`a[1-${MAX_NAMES}]`)).to.have.length(MAX_NAMES));

  it('asks the resolver for groups, with ranges in their values', () => {
    const asked: unknown[] = [];
    const group = (name: string, value?: string): string[] => {
      asked.push([name, value]);
      return [`${name}${value ?? ''}`];
    };
    expect(parseNodeset('@rfs:[0-1],@faulty,@*', { group })).to.eql(['rfs0', 'rfs1', 'faulty', 'all']);
    expect(asked).to.eql([
      ['rfs', '0'],
      ['rfs', '1'],
      ['faulty', undefined],
      ['all', undefined],
    ]);
  });

  it('bounds what groups and globs add', () => {
    const names = Array.from({ length: 60_000 }, (_, i) => `a${i}`);
    expect(failure(() => parseNodeset('@x,@x', { group: () => names })).message).to.match(/more than 100000/);
    expect(failure(() => parseNodeset('a*,a*', { known: names })).message).to.match(/more than 100000/);
    expect(failure(() => parseNodeset('a[1-5000]*', { known: names })).message).to.match(/more than 100000/);
  });

  it('matches globs in time that does not explode', () => {
    const name = 'a'.repeat(63);
    const before = process.cpuUsage().user;
    failure(() => parseNodeset(`${'*a'.repeat(200)}b`, { known: Array.from({ length: 1000 }, () => name) }));
    expect((process.cpuUsage().user - before) / 1000).to.be.below(2000);
  });

  it('matches globs as their letters say', () => {
    const known = ['a', 'ab', 'abc', 'b1', 'b12', 'b'];
    expect(parseNodeset('a*', { known })).to.eql(['a', 'ab', 'abc']);
    expect(parseNodeset('*b*', { known })).to.eql(['ab', 'abc', 'b1', 'b12', 'b']);
    expect(parseNodeset('b?', { known })).to.eql(['b1']);
    expect(parseNodeset('?b*c', { known })).to.eql(['abc']);
    expect(parseNodeset('b[1-2]*', { known: [...known, 'b2'] })).to.eql(['b1', 'b12', 'b2']);
    expect(failure(() => parseNodeset('x*', { known })).message).to.match(/nothing matches x\*/);
  });
});

describe('foldNodeset', () => {
  const table: [string, string][] = [
    ['', ''],
    ['a', 'a'],
    ['a1', 'a1'],
    ['a2 a1', 'a[1-2]'],
    ['a8 a9 a10 a11', 'a[8-11]'],
    ['a08 a09 a10 a11', 'a[08-11]'],
    ['a8 a9 a09 a10 a11', 'a[8-9,09-11]'],
    ['a099 a100 a99', 'a[99,099-100]'],
    ['a99 a100', 'a[99-100]'],
    ['a0 a00 a1 a01', 'a[0-1,00-01]'],
    ['r1p1 r1p2 r2p1 r2p2', 'r[1-2]p[1-2]'],
    ['r1p1 r1p2 r2p1 r2p2 r3p1', 'r[1-2]p[1-2],r3p1'],
    ['r1p1 r2p1 r3p1 r1p2 r2p2', 'r[1-2]p[1-2],r3p1'],
    ['x1 y1 x2', 'x[1-2],y1'],
    ['a b', 'a,b'],
    ['n123456789012345', 'n123456789012345'],
  ];
  for (const [names, text] of table)
    it(`${names || 'nothing'} is ${JSON.stringify(text)}`, () =>
      expect(foldNodeset(names.split(' ').filter(Boolean))).to.equal(text));

  it('folds a room and a server rack into what a person would write', () => {
    const room = parseNodeset('pas-r[01-12]p[01-08]');
    expect(room).to.have.length(96);
    expect(foldNodeset(room.toReversed())).to.equal('pas-r[01-12]p[01-08]');
    expect(foldNodeset([...room.filter((name) => name !== 'pas-r03p05'), 'gw', 'rhfs01'])).to.equal(
      'gw,pas-r[01-02,04-12]p[01-08],pas-r03p[01-04,06-08],rhfs01',
    );
  });
});

const name = fc
  .tuple(
    fc.constantFrom('a', 'pas-r', 'x-'),
    fc.nat({ max: 120 }).map(String),
    fc.constantFrom('', 'p', 'p1q'),
    fc.oneof(
      fc.constant(''),
      fc.tuple(fc.nat({ max: 12 }), fc.nat({ max: 3 })).map(([n, width]) => String(n).padStart(width, '0')),
    ),
    fc.constantFrom('', '', '-z'),
  )
  .map((parts) => parts.join(''));
const names = fc.uniqueArray(name, { maxLength: 60 });
const anyLabel = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);

describe('node sets, by their laws', () => {
  it('unfolding what was folded gives the same names', () =>
    fc.assert(
      fc.property(fc.oneof(names, fc.uniqueArray(anyLabel)), (set) => {
        expect(sorted(parseNodeset(foldNodeset(set)))).to.eql(sorted(set));
      }),
      { numRuns: 500 },
    ));

  it('folding does not depend on the order, and is never longer than the list', () =>
    fc.assert(
      fc.property(names, (set) => {
        const text = foldNodeset(set);
        expect(foldNodeset(sorted(set))).to.equal(text);
        expect(foldNodeset(parseNodeset(text))).to.equal(text);
        expect(text.length).to.be.at.most(set.join(',').length + 2 * set.length);
      }),
      { numRuns: 300 },
    ));

  it('operators are those of sets', () =>
    fc.assert(
      fc.property(
        fc.tuple(names, names).filter(([a, b]) => a.length > 0 && b.length > 0),
        ([a, b]) => {
          const [one, other] = [foldNodeset(a), foldNodeset(b)];
          const second = new Set(b);
          const group = (value: string): string[] => (value === 'a' ? a : b);
          const run = (operator: string): string[] => sorted(parseNodeset(`@a${operator}@b`, { group }));
          expect(run(',')).to.eql(sorted(new Set([...a, ...b])));
          expect(run('!')).to.eql(sorted(a.filter((n) => !second.has(n))));
          expect(run('&')).to.eql(sorted(a.filter((n) => second.has(n))));
          expect(run('^')).to.eql(
            sorted(parseNodeset('@a!@b', { group }).concat(parseNodeset('@b!@a', { group }))),
          );
          expect(sorted(parseNodeset(`${one} ${other}`))).to.eql(run(','));
        },
      ),
      { numRuns: 200 },
    ));

  it('says the same as ClusterShell', function () {
    needs(this, { nodeset: 'clustershell' });
    const range = fc
      .tuple(fc.nat({ max: 30 }), fc.nat({ max: 9 }), fc.boolean())
      .map(([from, more, padded]) => `${pad(from, padded)}-${pad(from + more, padded)}`);
    const pad = (n: number, padded: boolean): string => String(n).padStart(padded ? 3 : 0, '0');
    const bracket = fc.array(range, { minLength: 1, maxLength: 2 }).map((ranges) => `[${ranges.join(',')}]`);
    const word = fc
      .tuple(
        fc.constantFrom('a', 'b'),
        bracket,
        fc.oneof(
          fc.constant(''),
          bracket.map((text) => `p${text}`),
        ),
      )
      .map((parts) => parts.join(''));
    const more = fc.tuple(fc.constantFrom(',', '!', '&', '^'), word).map((parts) => parts.join(''));
    const expression = fc
      .tuple(word, fc.array(more, { maxLength: 4 }))
      .map(([first, rest]) => first + rest.join(''));
    const expressions = fc.sample(expression, 300);
    const ours = expressions.map((text) => sorted(parseNodeset(text)));
    const input = expressions.map((text, i) => [text, foldNodeset(ours[i]!)]);
    const script =
      'import json, sys\nfrom ClusterShell.NodeSet import NodeSet\n' +
      'print(json.dumps([[sorted(NodeSet(t)) for t in pair] for pair in json.load(sys.stdin)]))';
    const { stdout, stderr } = spawnSync('/usr/bin/python3', ['-c', script], {
      input: JSON.stringify(input),
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    expect(stderr).to.equal('');
    const theirs = JSON.parse(stdout) as [string[], string[]][];
    for (const [i, [unfolded, refolded]] of theirs.entries()) {
      expect(unfolded, expressions[i]).to.eql(ours[i]);
      expect(refolded, input[i]![1]).to.eql(ours[i]);
    }
  });
});

describe('selectMachines', () => {
  const machine = (hostname: string, n: number, more: Partial<MachineRecord> = {}): MachineRecord => ({
    hostname,
    aliases: '',
    ip: `192.168.0.${n}`,
    mac: `02:00:00:00:00:${String(n).padStart(2, '0')}`,
    rfs: n % 2,
    hfs: n % 2,
    mtype: 'user',
    room: 'pasteur',
    is_faulty: false,
    is_faulty_details: '',
    ...more,
  });
  const machines = [
    machine('alt-r01p01', 1, { room: 'alt', mtype: 'orga' }),
    machine('pas-r01p01', 2),
    machine('pas-r01p02', 3, { is_faulty: true }),
    machine('pas-r02p01', 4),
    machine('rhfs01', 5, { aliases: 'rfs0,hfs0,rfs1,hfs1', mtype: 'service', room: 'other' }),
  ];
  const select = (...expressions: string[]): string =>
    selectMachines(expressions, machines)
      .map(({ hostname }) => hostname)
      .join(' ');

  const table: [string[], string][] = [
    [[], ''],
    [['pas-r[01-02]p01'], 'pas-r01p01 pas-r02p01'],
    [['pas-r02p01', 'pas-r01p01'], 'pas-r01p01 pas-r02p01'],
    [['PAS-R01P01'], 'pas-r01p01'],
    [['rfs0'], 'rhfs01'],
    [['rfs[0-1]'], 'rhfs01'],
    [['@all!rfs0'], 'alt-r01p01 pas-r01p01 pas-r01p02 pas-r02p01'],
    [['@room:pasteur'], 'pas-r01p01 pas-r01p02 pas-r02p01'],
    [['@room:pasteur!@faulty'], 'pas-r01p01 pas-r02p01'],
    [['@room:pasteur&@rfs:0'], 'pas-r01p01 pas-r02p01'],
    [['@mtype:orga', '@faulty'], 'alt-r01p01 pas-r01p02'],
    [['@mtype:cluster'], ''],
    [['@hfs:[0-1]'], 'alt-r01p01 pas-r01p01 pas-r01p02 pas-r02p01 rhfs01'],
    [['pas-*'], 'pas-r01p01 pas-r01p02 pas-r02p01'],
    [['*-r01p0?'], 'alt-r01p01 pas-r01p01 pas-r01p02'],
    [['hfs*'], 'rhfs01'],
    [['192.168.0.4,02:00:00:00:00:01'], 'alt-r01p01 pas-r02p01'],
  ];
  for (const [expressions, hostnames] of table)
    it(`${JSON.stringify(expressions)} selects ${hostnames || 'none'}`, () =>
      expect(select(...expressions)).to.equal(hostnames));

  const wrong: [string, RegExp, RegExp][] = [
    ['pas-r09p09', /^machine pas-r09p09: not in MDB$/, /prolo mdb list/],
    ['@all!pas-r09p09', /^machine pas-r09p09: not in MDB$/, /prolo mdb list/],
    ['@romo:pasteur', /^group @romo: unknown$/, /@all, @faulty, @room, @mtype, @rfs, @hfs/],
    ['@constructor', /^group @constructor: unknown$/, /@all/],
    ['@room:pastuer', /^group @room:pastuer: no machine is in it$/, /@room:alt, @room:other, @room:pasteur/],
    ['@room', /^group @room: no machine is in it$/, /@room:alt/],
    ['@rfs:9', /^group @rfs:9: no machine is in it$/, /@rfs:0, @rfs:1/],
    ['@faulty:1', /^group @faulty: takes no value/, /^$/],
    ['zz*', /^node set: nothing matches zz\*$/, /^$/],
  ];
  for (const [text, message, hint] of wrong)
    it(`${text} is an error with a way out`, () => {
      const error = failure(() => select(text));
      expect(error.message).to.match(message);
      expect(error.hint ?? '').to.match(hint);
    });

  it('takes groups of others beside its own', () =>
    expect(
      selectMachines(['@user:jdoe'], machines, { groups: { user: () => ['pas-r01p02'] } })[0]!.hostname,
    ).to.equal('pas-r01p02'));

  it('an empty selection is an error for those who say so', () => {
    expect(failure(() => selectMachines(['@mtype:cluster'], machines, { nonEmpty: true })).kind).to.equal(
      'not-found',
    );
    expect(failure(() => selectMachines([], machines, { nonEmpty: true })).kind).to.equal('not-found');
  });

  it('selects from ten thousand machines', () => {
    const many = Array.from({ length: 10_000 }, (_, i) =>
      machine(`n${i}`, 1, { ip: `10.0.${i >> 8}.${i & 255}`, mac: `m${i}` }),
    );
    expect(selectMachines(['n[0-9999]!n[0-9999/2]'], many)).to.have.length(5000);
    expect(foldNodeset(selectMachines(['@all'], many).map(({ hostname }) => hostname))).to.equal('n[0-9999]');
  });
});
