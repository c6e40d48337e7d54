import { ProloError } from '../../errors.ts';
import type { Config } from '../../site/schema.ts';
import type { Store } from '../../store/store.ts';
import type { KeptCopy } from '../backup/methods.ts';
import type { Snapshot } from '../backup/restic.ts';
import type { Homes } from './homes.ts';
import { listAlive } from './servers.ts';

/** Of a repository with the snapshots of a whole final. */
export const LIST_MS = 120_000;
const KEPT_MS = 5_000;

/** What a home can be restored from. */
export interface Restorable {
  snapshots: Snapshot[];
  kept: (KeptCopy & { hfs: number })[];
}

/** What there is of a login, or of all, on the servers that answer. @throws ProloError `unavailable` where none does */
export async function listRestorable(
  homes: Homes,
  store: Store,
  config: Config,
  login?: string,
): Promise<Restorable> {
  const ask = login === undefined ? {} : { login };
  const alive = await listAlive(homes, store, config);
  const [first] = alive;
  if (!first)
    throw new ProloError('unavailable', 'no home file server answers', {
      hint: 'start one: `prolo daemon hfs@0`',
    });
  const kept = await Promise.all(
    alive.map(async ({ hfs }) => {
      const copies = (await homes.ask(hfs, 'kept', ask, KEPT_MS).catch(() => [])) as KeptCopy[];
      return copies.map((copy) => ({ ...copy, hfs }));
    }),
  );
  const snapshots = config.hfs.backup.repository
    ? ((await homes.ask(first.hfs, 'snapshots', ask, LIST_MS)) as Snapshot[])
    : [];
  return { snapshots, kept: kept.flat() };
}
