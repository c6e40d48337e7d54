import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { cleanRoot } from '../../../../src/lib/rfs/root/init-clean.ts';

describe('a new root, cleaned', () => {
  it('never reaches this host by a link of its own', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'prolo-clean-'));
    try {
      const [tree, host] = [join(dir, 'tree'), join(dir, 'etc')];
      mkdirSync(join(tree, host), { recursive: true });
      mkdirSync(host);
      for (const folder of [host, join(tree, host)]) writeFileSync(join(folder, 'hostname'), 'gw\n');
      symlinkSync(host, join(tree, 'etc'));
      await cleanRoot(tree);
      expect(readdirSync(host)).to.deep.equal(['hostname']);
      expect(readFileSync(join(tree, host, 'machine-id'), 'utf8')).to.equal('');
      expect(readdirSync(join(tree, host))).to.not.include('hostname');
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
