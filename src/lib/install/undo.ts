import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runOk } from '../exec.ts';
import { readFileIfThere } from '../write-file.ts';
import { putBack } from './apply.ts';
import type { Journal, Run } from './journal.ts';
import { sha256 } from './state.ts';

export interface Undone {
  /** Paths that are as they were before the run. */
  restored: string[];
  /** Paths that somebody has changed since, which stay. */
  left: string[];
  /** Packages and users that the run brought: others may need them by now. Folders of which it replaced an older state. */
  stay: string[];
}

/** Takes a run's files and starts back, newest first. Repeated, it goes on where it was broken off. */
export async function undoRun(root: string, journal: Journal, run: Run): Promise<Undone> {
  const undone: Undone = { restored: [], left: [], stay: [] };
  for (const change of [...run.changes].reverse())
    switch (change.kind) {
      case 'file': {
        const { path, before } = change;
        const now = await readFileIfThere(join(root, path));
        if (now === before?.text || (now === undefined && before === null)) break;
        if (now !== undefined && sha256(now) !== change.sha256) undone.left.push(path);
        else {
          await putBack(root, path, before);
          undone.restored.push(path);
        }
        break;
      }
      case 'tree':
        if (change.there) undone.stay.push(`${change.path}/`);
        else {
          await rm(join(root, change.path), { recursive: true, force: true });
          undone.restored.push(`${change.path}/`);
        }
        break;
      case 'enable':
        await runOk(['systemctl', `--root=${root}`, 'disable', ...change.units]);
        break;
      case 'folder':
        await rmdir(join(root, change.path)).catch(() => undefined); // it is not empty
        break;
      case 'packages':
        undone.stay.push(...change.install);
        break;
      case 'user':
        undone.stay.push(`user ${change.name}`);
    }
  await journal.write({ ...run, state: 'undone' });
  return undone;
}
