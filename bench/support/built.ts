import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** Builds dist/ when it is older than what it is made of: what is measured is what the sources say. */
export function ensureBuilt(say: (text: string) => void): void {
  const sources = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs);
  const builtMs = statSync(join(root, 'dist/main.cjs'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (builtMs > Math.max(...sources)) return;
  say('building dist/ …');
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/build.js')], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error(`build: exit status ${status}`);
}
