import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';

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
