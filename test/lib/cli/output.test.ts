import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { makeFolder } from '../../../src/lib/cli/output.ts';
import { rejection } from '../../support/rejection.ts';

describe('a folder that a person named', () => {
  let dir: string;
  before(() => (dir = mkdtempSync(join(tmpdir(), 'prolo-folder-'))));
  after(() => rmSync(dir, { recursive: true }));

  it('is made, or is there', async () => {
    await makeFolder(join(dir, 'new'));
    await makeFolder(join(dir, 'new'));
    expect(existsSync(join(dir, 'new'))).to.equal(true);
  });
  it('is neither a file nor below one that is not there', async () => {
    writeFileSync(join(dir, 'file'), '');
    expect((await rejection(makeFolder(join(dir, 'file')))).message).to.match(/file: a file, not a folder$/);
    expect((await rejection(makeFolder(join(dir, 'gone/new')))).message).to.match(/gone: no such folder$/);
  });
  it('is refused where the kernel makes the files, and not tried for ever', async () => {
    expect((await rejection(makeFolder('/proc/prolo'))).message).to.match(/ENOENT/);
  });
});
