import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProloError } from '../errors.ts';
import { writeFileAtomic } from '../write-file.ts';
import type { FileState } from './plan.ts';

/** What a run did, step by step; each is written down before it is done. */
export type Change =
  | { kind: 'packages'; install: string[] }
  | { kind: 'user'; name: string }
  | { kind: 'folder'; path: string }
  | { kind: 'file'; path: string; before: FileState | null; sha256: string }
  /** `there`: it was there before, and what it held is not kept. */
  | { kind: 'tree'; path: string; there: boolean }
  | { kind: 'enable'; units: string[] };

export interface Run {
  id: string;
  /** ISO 8601. */
  at: string;
  by: string;
  recipes: string[];
  /** `begun` and nothing after it: it was broken off. */
  state: 'begun' | 'done' | 'failed' | 'undone';
  changes: Change[];
}

export const JOURNAL_DIR = 'var/lib/prolo/install';

export interface Journal {
  /** Oldest first. */
  runs(): Promise<Run[]>;
  /** @throws ProloError `not-found` */
  find(id: string): Promise<Run>;
  write(run: Run): Promise<void>;
}

/** The journal of the host whose root folder this is. For root's eyes: it holds what files held. */
export function openJournal(root: string): Journal {
  const dir = join(root, JOURNAL_DIR);
  const runs = async (): Promise<Run[]> => {
    const names = await readdir(dir).catch(() => []);
    const texts = await Promise.all(
      names
        .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
        .sort()
        .map((name) => readFile(join(dir, name), 'utf8')),
    );
    return texts.map((text) => JSON.parse(text) as Run);
  };
  return {
    runs,
    async find(id) {
      const found = (await runs()).find((run) => run.id === id);
      if (found) return found;
      throw new ProloError('not-found', `run ${id}: there is none`, { hint: 'see `prolo install --runs`' });
    },
    write: (run) => writeFileAtomic(join(dir, `${run.id}.json`), `${JSON.stringify(run)}\n`, 0o600),
  };
}

/** Sorts by time, and is another one in the same second. */
export function newRunId(at: Date): string {
  return `${at.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}-${randomBytes(2).toString('hex')}`;
}

/** Every text that prolo wrote at each path, by its hash, and what it put back. */
export function writtenBy(runs: readonly Run[]): Map<string, Set<string>> {
  const written = new Map<string, Set<string>>();
  for (const { changes } of runs)
    for (const change of changes)
      if (change.kind === 'file') {
        const hashes = written.get(change.path) ?? new Set();
        written.set(change.path, hashes.add(change.sha256));
      }
  return written;
}
