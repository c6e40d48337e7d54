import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { makeHashTree, mustBeHashTree } from '../../../src/lib/rfs/image.ts';
import { levelsOver, renewHashTree } from '../../../src/lib/rfs/verity.ts';
import { needs } from '../../support/needs.ts';
import { rejection } from '../../support/rejection.ts';

describe('a tree of hashes that is renewed', function () {
  this.timeout(60_000);
  let dir: string;
  const at = (name: string): string => join(dir, name);
  before(function () {
    needs(this, { veritysetup: 'cryptsetup-bin' });
    dir = mkdtempSync(join(tmpdir(), 'prolo-verity-'));
  });
  after(() => dir && rmSync(dir, { recursive: true, force: true }));

  for (const [from, to] of [
    [300, 300],
    [100, 20_000],
    [20_000, 129],
    [129, 128],
    [2, 5],
  ] as const)
    it(`is what veritysetup makes: of ${from} blocks, then ${to}`, async () => {
      const old = randomBytes(from * 4096);
      writeFileSync(at('old'), old);
      rmSync(at('old.verity'), { force: true });
      await makeHashTree(at('old'), at('old.verity'));
      const image = Buffer.alloc(to * 4096, 'new');
      old.copy(image);
      image.fill(0, 5000, 8192);
      image[96] = 7;
      writeFileSync(at('new'), image);
      const changed = [
        { start: 0, end: 97 },
        { start: 5000, end: 8192 },
      ];
      const root = await renewHashTree(at('old.verity'), at('new'), at('new.verity'), changed);
      await mustBeHashTree(at('new'), at('new.verity'), root!);
      const whole = levelsOver(to).reduce((sum, blocks) => sum + blocks, 1);
      expect(statSync(at('new.verity')).size).to.equal(whole * 4096);
      const bytes = readFileSync(at('new'));
      bytes[6000]! ^= 1;
      writeFileSync(at('new'), bytes);
      const error = await rejection(mustBeHashTree(at('new'), at('new.verity'), root!));
      expect(error.message).to.match(/its hashes are not of its bytes/);
    });

  it('is none where the old one is of another kind', async () => {
    writeFileSync(at('odd'), Buffer.alloc(8192));
    expect(await renewHashTree(at('odd'), at('new'), at('new.verity'), [])).to.equal(undefined);
  });
});
