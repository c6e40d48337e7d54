import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { RunProgram } from '../apply/programs.ts';
import { ProloError } from '../errors.ts';
import type { Site } from '../site/site.ts';
import type { Keeper } from './keep.ts';
import { fileMark, readOld, removeNew, replaceFiles } from './replace-files.ts';
import { keptLogins, loginOf, replaceKeys, rootKeys } from './root-keys.ts';

/** Keeps the keys of UDB's roots in root's authorized_keys, below `accounts.root`. */
export function createRootKeysKeeper({ config, dir }: Site, runProgram: RunProgram): Keeper {
  const path = resolve(dir, config.accounts.root, 'root/.ssh/authorized_keys');

  /** sshd -T would say whether it reads the file; this says that it can read the keys. */
  async function mustBeKeys(file: string, count: number): Promise<void> {
    if (count === 0) return;
    const result = await runProgram(['ssh-keygen', '-l', '-f', file]);
    const read = result?.stdout.split('\n').filter(Boolean).length ?? count;
    if (read < count)
      throw new ProloError('refused', `file ${path}: ssh-keygen reads ${read} keys of the ${count} in UDB`);
  }

  return {
    mark: () => fileMark(path),
    clean: () => removeNew([path]),
    async known() {
      return keptLogins(await readFile(path, 'latin1').catch(() => ''));
    },
    async apply(users) {
      const { lines, refused } = rootKeys(users);
      const known = await this.known();
      if (users.length === 0 && known.length > 0)
        throw new ProloError(
          'refused',
          `udbsync has no users, and there are keys of ${known.length} roots: they stay`,
          {
            hint: `is it the right database? Keys are taken away in ${path}, while prolo-rootssh is stopped`,
          },
        );
      const now = {
        counts: { root: lines.length },
        removed: gone(known, lines.map(loginOf)),
        clashes: [],
        refused,
      };
      if (lines.length === 0 && known.length === 0) return now;
      if (!(await readOld(path))) await makeEmpty(path);
      const old = (await readOld(path))!;
      const text = replaceKeys(old.text, lines);
      if (text !== old.text)
        await replaceFiles([{ old, text }], (newPath) => mustBeKeys(newPath(path), lines.length));
      return now;
    },
  };
}

/** For root alone, as sshd wants it. */
async function makeEmpty(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await (await open(path, 'a', 0o600)).close();
}

function gone(before: readonly string[], now: readonly string[]): string[] {
  return before.filter((login) => !now.includes(login));
}
