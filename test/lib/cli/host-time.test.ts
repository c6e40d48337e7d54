import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseTime } from '../../../src/lib/cli/host-time.ts';

const MODULE = join(import.meta.dirname, '../../../src/lib/cli/host-time.ts');

describe('times as people read them', function () {
  this.timeout(20_000);
  const zoned = (TZ: string): string =>
    execFileSync(
      process.execPath,
      [
        ...['--import', 'tsx', '--input-type=module', '-e'],
        `const { zonedTime } = await import(${JSON.stringify(MODULE)}); process.stdout.write(zonedTime('2026-05-02T12:03:22.123Z'))`,
      ],
      { encoding: 'utf8', env: { ...process.env, TZ } },
    );
  for (const [zone, text] of [
    ['UTC', '2026-05-02 12:03:22 UTC'],
    ['Europe/Paris', '2026-05-02 14:03:22 +02:00'],
    ['America/St_Johns', '2026-05-02 09:33:22 -02:30'],
  ] as const)
    it(`say which zone they are in: ${zone}`, () => expect(zoned(zone)).to.equal(text));
});

describe('times as people write them', () => {
  const now = new Date(2026, 4, 2, 16, 0, 0);
  it('a time of today, of another day, with a zone', () => {
    expect(parseTime('14:30', now)).to.equal(new Date(2026, 4, 2, 14, 30).toISOString());
    expect(parseTime('2026-05-01 09:05', now)).to.equal(new Date(2026, 4, 1, 9, 5).toISOString());
    expect(parseTime('2026-05-02T12:30:00Z', now)).to.equal('2026-05-02T12:30:00.000Z');
  });
  for (const text of ['', '25:00', '12:61', 'yesterday', '2026-13-01', '5', '14:30; rm'])
    it(`no time: ${JSON.stringify(text)}`, () => {
      expect(() => parseTime(text, now)).to.throw(/not a time/);
    });
});
