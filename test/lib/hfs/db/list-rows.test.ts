import { expect } from 'chai';
import { listRows } from '../../../../src/lib/hfs/db/list-rows.ts';
import type { HomeStatus, ServedHome } from '../../../../src/lib/hfs/protocol.ts';

const MIB = 1024 ** 2;
const home: HomeStatus = {
  ...{ login: 'jdoe', hfs: 0, epoch: 3, last_epoch: 3, state: 'here', target: null, target_epoch: null },
  ...{ size_bytes: 2048 * MIB, changed_at: '2026-05-01T10:00:00.000Z', seat: null },
};
const moving: HomeStatus = { ...home, state: 'moving', target: 1, target_epoch: 4, last_epoch: 4 };
const image: ServedHome = {
  ...{
    login: 'jdoe',
    epoch: 3,
    size_bytes: 2048 * MIB,
    used_bytes: 300 * MIB,
    state: 'stored',
    client: null,
  },
  age_seconds: 7300,
};
const at = (hfs: number, ...served: ServedHome[]) => ({ hfs, served, error: null });
const silent = (hfs: number) => ({ hfs, served: [], error: `hfs ${hfs}: does not answer` });

describe('a line of `prolo hfs list`', () => {
  const line = (one: HomeStatus, ...servers: ReturnType<typeof at | typeof silent>[]): string =>
    listRows({ homes: [one], servers })[0]!
      .map((cell) => cell ?? '-')
      .join('|');
  const seat = { hostname: 'pas-r01p01', ip: '192.168.0.1' };
  const served: ServedHome = { ...image, state: 'served', client: '192.168.0.1', age_seconds: 4 };
  const arriving: ServedHome = {
    ...image,
    ...{ epoch: 4, state: 'moving', client: '192.168.0.1', age_seconds: 0, used_bytes: MIB, progress: 0.459 },
  };
  for (const [title, expected, got] of [
    ['stored', 'jdoe|0|300M|2G|stored|-|-|2 h', line(home, at(0, image))],
    ['at work', 'jdoe|0|300M|2G|served|pas-r01p01|192.168.0.1|4 s', line({ ...home, seat }, at(0, served))],
    ['of another epoch alone', 'jdoe|0||2G|missing|-|-|', line(home, at(0, { ...image, epoch: 2 }))],
    ['a copy elsewhere is not it', 'jdoe|0||2G|missing|-|-|', line(home, at(0), at(1, image))],
    ['its server does not answer', 'jdoe|0||2G|server is silent|-|-|', line(home, silent(0), at(1))],
    ['not made', 'jdoe|0||2G|not made yet|-|-|', line({ ...home, state: 'creating' }, at(0))],
    [
      'on its way',
      'jdoe|0|300M|2G|moving to 1 45 %|pas-r01p01|192.168.0.1|0 s',
      line({ ...moving, seat }, at(0, { ...image, state: 'source' }), at(1, arriving)),
    ],
    [
      'on its way, and nobody knows how far',
      'jdoe|0|300M|2G|moving to 1|-|-|2 h',
      line(moving, at(0, image), silent(1)),
    ],
  ] as const)
    // prettier-ignore
    it(title, () => expect(got).to.equal(expected));

  it('says how long ago it was written, in the unit that fits', () =>
    expect(
      [119, 120, 7199, 7200, 172_799, 172_800].map((age_seconds) =>
        line(home, at(0, { ...image, age_seconds }))
          .split('|')
          .at(-1),
      ),
    ).to.deep.equal(['119 s', '2 min', '119 min', '2 h', '47 h', '2 d']));
});
