import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, type RunResult } from '../exec.ts';
import { runInTree } from '../rfs/root/enter.ts';

/** Runs a program of a host, whose root folder this is, to its end. @throws as `run`, `runInTree` */
export function runInRoot(
  root: string,
  argv: readonly string[],
  options: { timeoutMs?: number; env?: Record<string, string> } = {},
): Promise<RunResult> {
  return root === '/' ? run(argv, options) : runInTree(root, argv, options.env ? { env: options.env } : {});
}

/** Ids by name, and names by id, of a host's own passwd or group file. */
export async function readIds(
  root: string,
  file: 'passwd' | 'group',
): Promise<{ ids: Map<string, number>; names: Map<number, string> }> {
  const text = await readFile(join(root, 'etc', file), 'utf8').catch(() => '');
  const rows = text
    .split('\n')
    .map((line) => line.split(':'))
    .filter((row) => row.length > 2);
  return {
    ids: new Map(rows.map(([name, , id]) => [name!, Number(id)])),
    names: new Map(rows.map(([name, , id]) => [Number(id), name!])),
  };
}
