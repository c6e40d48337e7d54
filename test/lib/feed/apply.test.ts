import { expect } from 'chai';
import fc from 'fast-check';
import { applyUpdates, replaceState } from '../../../src/lib/feed/apply.ts';
import type { Update } from '../../../src/lib/store/change-log.ts';

interface Item {
  k: number;
  v?: number;
  w?: number;
}
const update = (data: Item): Update<Item> => ({ type: 'update', data });
const remove = (k: number): Update<Item> => ({ type: 'delete', data: { k } });
const state = (...items: Item[]): Map<number, Item> => new Map(items.map((item) => [item.k, item]));

describe('applyUpdates', () => {
  it("reports an update, as SADM's manual shows", () => {
    const items = state({ k: 1, v: 2 });
    expect([...applyUpdates('k', items, [update({ k: 1, v: 3 })])]).to.deep.equal([[1, 'updated']]);
    expect([...items.values()]).to.deep.equal([{ k: 1, v: 3 }]);
  });

  it("reports what a watched field did over the whole line, as SADM's manual shows", () => {
    const items = state({ k: 1, v: 2, w: 1 }, { k: 2, v: 3, w: 4 });
    const line = [update({ k: 1, v: 5, w: 6 }), update({ k: 1, v: 7, w: 4 })];
    expect([...applyUpdates('k', items, line, new Set(['w']))]).to.deep.equal([[1, 'updated']]);
    expect(items.get(1)).to.deep.equal({ k: 1, v: 7, w: 4 });
  });

  const cases: [string, Item[], Update<Item>[], [number, string][]][] = [
    ['a new key', [], [update({ k: 1 })], [[1, 'created']]],
    ['a deleted key', [{ k: 1 }], [remove(1)], [[1, 'deleted']]],
    ['a key that was never there', [], [remove(1)], []],
    ['a record that is as it was', [{ k: 1, v: 2 }], [update({ k: 1, v: 2 })], []],
    ['a key that comes and goes', [], [update({ k: 1 }), remove(1)], []],
    [
      'a key that goes and comes back',
      [{ k: 1, v: 1 }],
      [remove(1), update({ k: 1, v: 2 })],
      [[1, 'updated']],
    ],
    ['a record under a new key', [{ k: 1 }], [remove(1), update({ k: 2 })], [[1, 'deleted'], [2, 'created']]], // prettier-ignore
    ['nothing', [{ k: 1 }], [], []],
  ];
  for (const [title, before, line, expected] of cases)
    it(`knows ${title}`, () =>
      expect([...applyUpdates('k', state(...before), line)]).to.deep.equal(expected));

  it('reports created and deleted whatever is watched, updated only for what is', () => {
    const items = state({ k: 1, v: 1 }, { k: 2, v: 1 });
    const line = [update({ k: 1, v: 2 }), remove(2), update({ k: 3, v: 1 })];
    expect([...applyUpdates('k', items, line, new Set(['w']))]).to.deep.equal([
      [2, 'deleted'],
      [3, 'created'],
    ]);
  });

  it('takes a whole state in place of what was known', () => {
    const items = state({ k: 1, v: 1 }, { k: 2, v: 1 }, { k: 3, v: 1 });
    const changes = replaceState('k', items, [{ k: 4 }, { k: 2, v: 2 }, { k: 1, v: 1 }].map(update));
    expect(Object.fromEntries(changes)).to.deep.equal({ 2: 'updated', 3: 'deleted', 4: 'created' });
    expect([...items.keys()]).to.deep.equal([4, 2, 1]);
  });

  it('always ends where the updates one by one end, and reports exactly what is different', () => {
    const item = fc.record(
      { k: fc.integer({ min: 0, max: 4 }), v: fc.integer({ min: 0, max: 2 }) },
      { noNullPrototype: true },
    );
    const line = fc.array(
      fc.oneof(
        item.map(update),
        item.map(({ k }) => remove(k)),
      ),
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(item, { selector: ({ k }) => k }),
        line,
        fc.boolean(),
        (items, updates, whole) => {
          const before = state(...items);
          const items2 = new Map(before);
          const changes = (whole ? replaceState : applyUpdates)('k', items2, updates);
          const expected = whole ? new Map<number, Item>() : new Map(before);
          for (const { type, data } of updates)
            if (type === 'delete') expected.delete(data.k);
            else expected.set(data.k, data);
          expect([...items2].sort()).to.deep.equal([...expected].sort());
          for (const k of [0, 1, 2, 3, 4]) {
            const [a, b] = [before.get(k), expected.get(k)];
            const kind = !b
              ? a
                ? 'deleted'
                : undefined
              : !a
                ? 'created'
                : a.v === b.v
                  ? undefined
                  : 'updated';
            expect(changes.get(k)).to.equal(kind);
          }
        },
      ),
    );
  });
});
