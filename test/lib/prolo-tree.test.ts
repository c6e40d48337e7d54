import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { PROLO, proloEntries } from '../../src/lib/prolo-tree.ts';
import { putEntry, type TreeEntry } from '../../src/lib/rfs/root/tree-entry.ts';

const dist = join(import.meta.dirname, '../../dist');

/** Packages that the bundle loads at run time. */
function loadedPackages(): string[] {
  const files = readdirSync(dist, { recursive: true }).map(String);
  const names = files
    .filter((file) => file.endsWith('.cjs'))
    .flatMap((file) => [
      ...readFileSync(join(dist, file), 'latin1').matchAll(/\b(?:require|importOther)\("([^."][^"]*)"\)/g),
    ])
    .map(([, name]) => name!)
    .filter((name) => !name.startsWith('node:') && !builtinModules.includes(name));
  return [...new Set(names)].sort();
}

describe('prolo as it is on a server', function () {
  this.timeout(120_000);
  let tree: string;
  let entries: TreeEntry[];
  before(async () => {
    tree = mkdtempSync(join(tmpdir(), 'prolo-tree-'));
    entries = proloEntries(tree, 'server');
    for (const entry of entries) await putEntry(tree, entry, false);
  });
  after(() => rmSync(tree, { recursive: true, force: true }));
  const runNode = (...args: string[]): string =>
    execFileSync(join(tree, PROLO, 'node'), args, { encoding: 'utf8', cwd: join(tree, PROLO), env: {} });

  it('has every package that it loads', () => {
    const packages = loadedPackages();
    expect(packages).to.include.members(['better-sqlite3', 'fastify', 'ink', 'pg', 'ssh2']);
    const script = `for (const name of ${JSON.stringify(packages)}) await import(name);`;
    expect(runNode('--input-type=module', '-e', script)).to.equal('');
  });
  it('runs there', () => expect(runNode('bin/run.js', '--version')).to.match(/^prolo\//));
  it('can be put on another host from there', () =>
    expect(existsSync(join(tree, PROLO, 'node_modules/.package-lock.json'))).to.equal(true));
  it('once there, nothing is to be done; one that is another, or too many, is seen', async () => {
    const differing = async (): Promise<string[]> => {
      const found: string[] = [];
      for (const entry of entries) if (await putEntry(tree, entry, true)) found.push(entry.path);
      return found;
    };
    expect(await differing()).to.deep.equal([]);
    const changed = join(tree, PROLO, 'package.json');
    const text = readFileSync(changed, 'utf8');
    writeFileSync(changed, text.replace('"prolo"', '"prol0"')); // as long as before
    expect(await differing()).to.deep.equal([`${PROLO}/package.json`]);
    writeFileSync(join(tree, PROLO, 'dist/old.cjs'), '');
    const old = { path: `${PROLO}/dist/old.cjs`, absent: true };
    expect(proloEntries(tree, 'server')).to.deep.include(old);
  });
});
