import { ProloError } from '../errors.ts';
import type { RunProgram } from '../apply/programs.ts';
import type { Account } from './account.ts';
import { asBytes, linesOf } from './own-lines.ts';
import type { EtcTexts } from './etc.ts';

type Paths = Record<'passwd' | 'shadow' | 'group' | 'gshadow', string>;

/**
 * Reads new texts as the C library does: each account is found, with its UID, and each has a line in shadow.
 * @throws ProloError `refused`
 */
export function mustBeFound(texts: EtcTexts, accounts: readonly Account[]): void {
  const passwd = firstByName(texts.passwd);
  const shadow = firstByName(texts.shadow);
  for (const { login, uid, gid, shell, hash } of accounts) {
    const line = passwd.get(login) ?? [];
    const right = line[2] === String(uid) && line[3] === String(gid) && line[6] === asBytes(shell);
    if (!right || shadow.get(login)?.[1] !== hash)
      throw new ProloError('refused', `user ${login}: would not be found in the new files as it is in UDB`);
  }
}

function firstByName(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const line of linesOf(text)) {
    const fields = line.trimStart().split(':');
    if (!line.startsWith('#') && !found.has(fields[0]!)) found.set(fields[0]!, fields);
  }
  return found;
}

/**
 * The system's own checkers: what they complain of in the new files they must have complained of in the old ones.
 * @throws ProloError `refused` with their words
 */
export async function mustPassCheckers(runProgram: RunProgram, old: Paths, fresh: Paths): Promise<void> {
  const words = async (paths: Paths): Promise<string[]> => {
    const runs = await Promise.all([
      runProgram(['pwck', '-r', '-q', paths.passwd, paths.shadow]),
      runProgram(['grpck', '-r', paths.group, ...(paths.gshadow ? [paths.gshadow] : [])]),
    ]);
    return runs.flatMap((result) =>
      result && result.exitCode !== 0 ? `${result.stdout}\n${result.stderr}`.split('\n') : [],
    );
  };
  const found = (await words(fresh)).map((line) => withoutPaths(line, fresh));
  if (found.length === 0) return;
  const before = new Set((await words(old)).map((line) => withoutPaths(line, old)));
  const added = found.filter((line) => line.trim() !== '' && !before.has(line));
  if (added.length > 0)
    throw new ProloError('refused', `accounts: ${added.slice(0, 3).join('; ').slice(0, 500)}`, {
      hint: '`pwck -r` and `grpck -r` would say so of the new files',
    });
}

function withoutPaths(line: string, paths: Paths): string {
  return Object.entries(paths)
    .sort(([, a], [, b]) => b.length - a.length)
    .reduce((text, [name, path]) => (path ? text.replaceAll(path, name) : text), line);
}
