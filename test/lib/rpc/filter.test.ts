import { expect } from 'chai';
import fc from 'fast-check';
import { RpcException } from '../../../src/lib/rpc/exception.ts';
import { type FilterFields, filterRecords } from '../../../src/lib/rpc/filter.ts';

interface Row extends Record<string, unknown> {
  name: string;
  also: string[];
  n: number;
  ip: string;
  mac: string;
  secret: string;
}

const fields: FilterFields<Row> = {
  name: { type: 'text', description: '', values: (row) => [row.name, ...row.also] },
  n: { type: 'number', description: '' },
  ip: { type: 'ip', description: '' },
  mac: { type: 'mac', description: '' },
};
const row = (name: string, n: number, ip: string, also: string[] = []): Row => ({
  name,
  also,
  n,
  ip,
  mac: `02:00:00:00:00:0${n}`,
  secret: 'x',
});
const rows = [
  row('alpha', 0, '192.168.0.9'),
  row('Beta', 1, '192.168.0.10', ['gamma', 'rfs0']),
  row('beta', 2, '192.168.1.2'),
];
const names = (filters: Record<string, unknown>): string =>
  filterRecords(rows, filters, fields)
    .map(({ name }) => name)
    .join(' ');
const failure = (filters: Record<string, unknown>): string => {
  try {
    filterRecords(rows, filters, fields);
  } catch (error) {
    if (error instanceof RpcException) return `${error.exnType}: ${error.message}`;
    throw error;
  }
  throw new Error('expected an error');
};

describe('filterRecords', () => {
  const table: [Record<string, unknown>, string][] = [
    [{}, 'alpha Beta beta'],
    [{ name: 'beta' }, 'beta'],
    [{ name: 'rfs0' }, 'Beta'],
    [{ name__exact: 'Beta' }, 'Beta'],
    [{ name__iexact: 'BETA' }, 'Beta beta'],
    [{ name__contains: 'et' }, 'Beta beta'],
    [{ name__contains: 'Be' }, 'Beta'],
    [{ name__icontains: 'BE' }, 'Beta beta'],
    [{ name__startswith: 'g' }, 'Beta'],
    [{ name__istartswith: 'B' }, 'Beta beta'],
    [{ name__endswith: 'a' }, 'alpha Beta beta'],
    [{ name__endswith: 'A' }, ''],
    [{ name__iendswith: 'HA' }, 'alpha'],
    [{ name__in: ['alpha', 'gamma'] }, 'alpha Beta'],
    [{ name__in: [] }, ''],
    [{ name__in: [null, 'beta'] }, 'beta'],
    [{ name__gt: 'alpha' }, 'Beta beta'],
    [{ name__gte: 'alpha' }, 'alpha Beta beta'],
    [{ name__lt: 'alpha' }, 'Beta'],
    [{ name__lte: 'alpha' }, 'alpha Beta'],
    [{ name__range: ['a', 'az'] }, 'alpha'],
    [{ name__regex: '^[ab]' }, 'alpha beta'],
    [{ name__regex: 'fs\\d$' }, 'Beta'],
    [{ name__iregex: '^B' }, 'Beta beta'],
    [{ name__isnull: false }, 'alpha Beta beta'],
    [{ name__isnull: true }, ''],
    [{ name: null }, ''],
    [{ name__iexact: null }, ''],
    [{ name: 5 }, ''],
    [{ n: 1 }, 'Beta'],
    [{ n: '1' }, 'Beta'],
    [{ n: ' 1 ' }, 'Beta'],
    [{ n: true }, 'Beta'],
    [{ n: 1.5 }, ''],
    [{ n__in: ['0', 2] }, 'alpha beta'],
    [{ n__gt: 0.5 }, 'Beta beta'],
    [{ n__gte: '1' }, 'Beta beta'],
    [{ n__lt: 1 }, 'alpha'],
    [{ n__lte: -1 }, ''],
    [{ n__range: ['1', 2] }, 'Beta beta'],
    [{ n__contains: 2 }, 'beta'],
    [{ n__regex: '[02]' }, 'alpha beta'],
    [{ ip: '192.168.0.10' }, 'Beta'],
    [{ ip__gt: '192.168.0.9' }, 'Beta beta'],
    [{ ip__lt: '192.168.0.10' }, 'alpha'],
    [{ ip__range: ['192.168.0.0', '192.168.0.255'] }, 'alpha Beta'],
    [{ ip__in: ['192.168.1.2'] }, 'beta'],
    [{ ip__startswith: '192.168.0.' }, 'alpha Beta'],
    [{ ip__endswith: '.2' }, 'beta'],
    [{ mac: '02-00-00-00-00-01' }, 'Beta'],
    [{ mac__in: ['0200.0000.0002'] }, 'beta'],
    [{ mac__istartswith: '02:00' }, 'alpha Beta beta'],
    [{ mac: 'nonsense' }, ''],
    [{ n__gte: 1, name__istartswith: 'b', ip__lt: '192.168.1.0' }, 'Beta'],
  ];
  for (const [filters, found] of table)
    it(`${JSON.stringify(filters)} finds ${found || 'none'}`, () => expect(names(filters)).to.equal(found));

  const wrong: [Record<string, unknown>, RegExp][] = [
    [
      { secret: 'x' },
      /^FieldError: Cannot resolve keyword 'secret' into field. Choices are: ip, mac, n, name$/,
    ],
    [{ secret__startswith: 'x' }, /^FieldError: Cannot resolve keyword 'secret'/],
    [{ '': 1 }, /^FieldError: Cannot resolve keyword ''/],
    [JSON.parse('{"__proto__": 1}') as Record<string, unknown>, /^FieldError: Cannot resolve keyword ''/],
    [{ constructor: 1 }, /^FieldError: Cannot resolve keyword 'constructor'/],
    [{ name__: 'x' }, /^FieldError: Unsupported lookup ''/],
    [
      { name__like: 'x' },
      /^FieldError: Unsupported lookup 'like' for field 'name'. Choices are: exact, iexact/,
    ],
    [{ name__toString: 'x' }, /^FieldError: Unsupported lookup 'toString'/],
    [{ name__in__exact: 'x' }, /^FieldError: Unsupported lookup 'in__exact'/],
    [{ n: 'x' }, /^ValueError: Field 'n' expected a number but got 'x'\.$/],
    [{ n: '' }, /^ValueError: Field 'n' expected a number/],
    [{ n: [1] }, /^TypeError: Field 'n' expected a number but got a list/],
    [{ n: {} }, /^TypeError: Field 'n' expected a number but got an object/],
    [{ n__gt: null }, /^ValueError: .*None/],
    [{ n__in: 1 }, /^TypeError: Field 'n': in takes a list, not 1/],
    [{ name__in: 'abc' }, /^TypeError: .*takes a list, not 'abc'/],
    [{ n__in: ['x'] }, /^ValueError: Field 'n' expected a number/],
    [{ n__in: Array.from({ length: 10_001 }, () => 1) }, /^ValueError: .*at most 10000 values/],
    [{ n__range: [1] }, /^ValueError: .*range takes two values/],
    [{ n__range: [1, null] }, /^ValueError: .*range takes two values/],
    [{ ip: 'gw' }, /^ValueError: Field 'ip' expected an IPv4 address but got 'gw'\.$/],
    [{ ip__range: ['1', '2'] }, /^ValueError: .*IPv4/],
    [{ name: ['a'] }, /^TypeError: Field 'name' expected a text but got a list/],
    [{ name__isnull: 'yes' }, /^ValueError: .*isnull takes True or False/],
    [{ name__isnull: null }, /^ValueError: .*isnull takes True or False/],
    [{ name__regex: '[' }, /^ValueError: Field 'name': regex \[: missing closing/],
    [{ name__regex: '(?=a)' }, /^ValueError: .*Perl syntax/],
    [{ name__regex: '((a{100}){100}){100}' }, /^ValueError: .*repeat/],
    [{ name__regex: '('.repeat(900) }, /^ValueError: /],
    [{ name__regex: 'a'.repeat(2000) }, /^ValueError: .*longer than 1000/],
    [{ name__regex: null }, /^ValueError: .*None/],
    [{ name__regex: {} }, /^TypeError: /],
  ];
  for (const [filters, message] of wrong)
    it(`${JSON.stringify(filters).slice(0, 60)} is refused`, () =>
      expect(failure(filters)).to.match(message));

  it('runs no regex for ever', () => {
    const many = Array.from({ length: 1000 }, () => row(`${'a'.repeat(60)}!`, 1, '10.0.0.1'));
    const before = process.cpuUsage().user;
    for (const name__regex of ['(a+)+$', '(a|a)*b', '^(a?){30}a{30}$', '(.*)(.*)(.*)(.*)(.*)[^a]$'])
      try {
        filterRecords(many, { name__regex }, fields);
      } catch (error) {
        expect(error).to.be.instanceOf(RpcException);
      }
    expect((process.cpuUsage().user - before) / 1e6).to.be.below(15);
  });

  it('refuses a regex that is linear, but in too much', () => {
    const long = [row('a'.repeat(60_000), 1, '10.0.0.1')];
    expect(() => filterRecords(long, { name__regex: '(.?){900}z' }, fields)).to.throw(
      RpcException,
      /too large/,
    );
  });

  it('throws nothing but its own errors, whatever it gets', () => {
    const key = fc
      .tuple(
        fc.constantFrom('name', 'n', 'ip', 'mac', 'secret', '__proto__', ''),
        fc.oneof(
          fc.constant(''),
          fc.constantFrom('__in', '__regex', '__gt', '__range', '__isnull', '__iexact'),
          fc.string(),
        ),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.dictionary(key, fc.jsonValue()), (filters) => {
        try {
          filterRecords(rows, filters, fields);
        } catch (error) {
          expect(error).to.be.instanceOf(RpcException);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('exact, in and range agree', () =>
    fc.assert(
      fc.property(fc.integer({ min: -1, max: 3 }), (n) => {
        expect(names({ n })).to.equal(names({ n__in: [n] }));
        expect(names({ n })).to.equal(names({ n__range: [n, n] }));
        expect(names({ n })).to.equal(names({ n__gte: n, n__lte: String(n) }));
      }),
    ));
});
