// The manifest that is committed must be the one that the commands make: oclif starts from it.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

const root = join(import.meta.dirname, '..');
const file = join(root, 'oclif.manifest.json');
let committed;
try {
  committed = execFileSync('git', ['show', ':oclif.manifest.json'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
} catch {
  committed = readFileSync(file, 'utf8'); // no git: a packed copy
}
execFileSync(process.execPath, [join(root, 'node_modules/oclif/bin/run.js'), 'manifest'], {
  cwd: root,
  stdio: 'ignore',
});
const fresh = readFileSync(file, 'utf8');
// The order of the commands is that in which oclif happened to find them.
if (!isDeepStrictEqual(JSON.parse(committed), JSON.parse(fresh))) {
  console.error('oclif.manifest.json is not fresh: run `npm run build` and commit it');
  process.exit(1);
}
