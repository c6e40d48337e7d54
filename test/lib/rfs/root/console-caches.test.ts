import { mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { ageConsoleSettings } from '../../../../src/lib/rfs/root/console-caches.ts';

describe('what setupcon has kept', () => {
  let tree: string;
  beforeEach(() => (tree = mkdtempSync(join(tmpdir(), 'prolo-console-'))));
  afterEach(() => rmSync(tree, { recursive: true, force: true }));

  function put(path: string, seconds: number): string {
    const file = join(tree, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, 'x');
    utimesSync(file, seconds, seconds);
    return file;
  }

  it('stays younger than the settings in whole seconds, and a second time changes nothing', async () => {
    const settings = put('etc/default/console-setup', 1000.3);
    put('etc/default/keyboard', 998);
    put('etc/console-setup/cached_UTF-8_del.kmap.gz', 1000.6);
    expect(await ageConsoleSettings(tree, true)).to.deep.equal(['etc/default/console-setup']);
    expect(await ageConsoleSettings(tree, false)).to.deep.equal(['etc/default/console-setup']);
    expect(statSync(settings).mtimeMs).to.equal(999_000);
    expect(await ageConsoleSettings(tree, false)).to.deep.equal([]);
  });

  it('is not believed when somebody has changed the settings since, nor asked for where there is none', async () => {
    put('etc/default/keyboard', 1000.9);
    expect(await ageConsoleSettings(tree, false)).to.deep.equal([]);
    put('etc/console-setup/cached_UTF-8_del.kmap.gz', 1000.6);
    expect(await ageConsoleSettings(tree, false)).to.deep.equal([]);
  });
});
