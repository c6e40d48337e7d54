import { expect } from 'chai';
import fc from 'fast-check';
import { Format } from 'typebox/format';
import { Value } from 'typebox/value';
import { checkAgainst, type Schema } from '../../../src/lib/site/check.ts';
import { FORMATS } from '../../../src/lib/site/parse.ts';
import { ConfigSchema } from '../../../src/lib/site/schema.ts';

const schema = ConfigSchema as Schema;

function schemasIn(at: Schema): Schema[] {
  const inner = [
    ...Object.values(at.properties ?? {}),
    ...Object.values(at.patternProperties ?? {}),
    ...(at.anyOf ?? []),
    ...(at.items ? [at.items] : []),
  ];
  return [at, ...inner.flatMap(schemasIn)];
}

const TEXTS = [
  '',
  'a',
  'pas',
  '10.0.0.1',
  '10.0.0.0/8',
  '10.0.0.1-10.0.0.9',
  'user',
  'http://gw/',
  'sqlite:x',
  '1000-2000',
  '/bin/sh',
  'A b',
];

/** Values that mostly have the schema's shape. */
function drafts(at: Schema): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 12, arbitrary: shaped(at) },
    { weight: 1, arbitrary: fc.constantFrom(null, true, -1, 1.5, 'x', [], {}, [[]], [null]) },
  );
}

function shaped(at: Schema): fc.Arbitrary<unknown> {
  if (at.anyOf) return fc.oneof(...at.anyOf.map(drafts));
  if ('const' in at) return fc.constant(at.const);
  if (at.enum) return fc.constantFrom(...at.enum);
  const [pattern] = Object.values(at.patternProperties ?? {});
  if (pattern) return fc.dictionary(fc.constantFrom('a', 'b-1'), drafts(pattern), { maxKeys: 3 });
  if (at.properties) {
    // Few keys, as people's drafts have, mostly with those that must be there.
    const keys = {
      ...Object.fromEntries(Object.entries(at.properties).map(([key, inner]) => [key, drafts(inner)])),
      unknown: fc.constant(1),
    };
    const needed = (at.required ?? []).filter((key) => !('default' in at.properties![key]!));
    return fc
      .tuple(fc.subarray(Object.keys(keys), { maxLength: 2 }), fc.integer({ min: 0, max: 9 }))
      .chain(([few, dice]) => {
        const chosen = new Set([...few, ...(dice > 0 ? needed : [])]);
        return fc.record(
          Object.fromEntries(Object.entries(keys).filter(([key]) => chosen.has(key))),
        ) as fc.Arbitrary<unknown>;
      });
  }
  if (at.items) return fc.array(drafts(at.items), { maxLength: 3 });
  if (at.type === 'string') return fc.constantFrom(...TEXTS);
  if (at.type === 'boolean') return fc.boolean();
  return fc.oneof(fc.integer({ min: -1, max: 70000 }), fc.double());
}

describe('the check of the config', () => {
  it("knows every keyword and format of the config's schema", () => {
    const known =
      'description default type const enum anyOf pattern format minLength maxLength minimum maximum items minItems maxItems properties required patternProperties additionalProperties';
    const all = schemasIn(schema);
    expect(known.split(' ')).to.include.members([...new Set(all.flatMap((at) => Object.keys(at)))]);
    expect(FORMATS).to.include.all.keys(all.flatMap(({ format }) => (format === undefined ? [] : [format])));
  });

  it('lets in what typebox lets in, with the same defaults, and nothing that it refuses', () => {
    for (const [name, { accepts }] of Object.entries(FORMATS)) Format.Set(name, accepts);
    let accepted = 0;
    fc.assert(
      fc.property(shaped(schema), (draft) => {
        const { value, problems } = checkAgainst(schema, draft, FORMATS);
        if (problems.length === 0) {
          accepted++;
          expect(Value.Check(ConfigSchema, value)).to.equal(true);
        }
        // typebox fills in no default below a pattern: it may refuse more.
        const reference = Value.Default(ConfigSchema, structuredClone(draft));
        if (Value.Check(ConfigSchema, reference)) {
          expect(problems).to.deep.equal([]);
          expect(value).to.deep.equal(reference);
        }
      }),
      { numRuns: 300 },
    );
    expect(accepted).to.be.greaterThan(20);
  });

  it('gives a frozen copy and leaves what it was given as it was', () => {
    const draft = { rooms: { a: { prefix: 'x' } } };
    const { value } = checkAgainst(schema, draft, FORMATS) as { value: { rooms: typeof draft.rooms } };
    expect(() => (value.rooms.a.prefix = 'y')).to.throw(TypeError);
    draft.rooms.a.prefix = 'z';
    expect(value.rooms.a.prefix).to.equal('x');
  });

  for (const [title, draft, path, what] of [
    [
      'a missing key',
      { networks: [{ name: 'a', role: 'empty' }] },
      'networks.0.cidr',
      /^expected an IPv4 network .*, got nothing$/,
    ],
    ['a bad name', { rooms: { 'A b': { prefix: 'x' } } }, 'rooms.A b', /^a bad name/],
    [
      'a key of the wrong kind of profile',
      { netboot: { profiles: { a: { kind: 'rfs', url: 'x' } } } },
      'netboot.profiles.a.url',
      /known here: kind, args$/,
    ],
    ['no kind of profile', { netboot: { profiles: { a: {} } } }, 'netboot.profiles.a', /^expected kind: rfs/],
    ['a key that every object has', { constructor: 1 }, 'constructor', /^unknown key/],
    [
      'a bad item',
      { allow: ['10.0.0.0/8', 'x'] },
      'allow.1',
      /^expected an IPv4 network, such as 10.0.0.0\/8, got "x"$/,
    ],
  ] as const)
    it(`names ${title} with its path`, () => {
      const { problems } = checkAgainst(schema, draft, FORMATS);
      expect(problems.map((problem) => problem.path)).to.deep.equal([path]);
      expect(problems[0]!.what).to.match(what);
    });

  it('survives a list that holds itself', () => {
    const list: unknown[] = [];
    list.push(list);
    expect(checkAgainst(schema, { networks: list }, FORMATS).problems).to.deep.equal([
      { path: 'networks.0', what: 'expected a map, got a list' },
    ]);
  });
});
