import { asProloError } from '../../errors.ts';
import type { Site } from '../../site/site.ts';
import type { Store } from '../../store/store.ts';
import { hfsClient } from '../clients.ts';
import { listServers } from '../db/servers.ts';
import { listHomes } from '../db/table.ts';
import type { Stored } from './backup-home.ts';
import { openRepository } from './restic.ts';

const ASK_MS = 60_000;
/** One home, read at the site's limit. */
const STORE_MS = 4 * 3600_000;

export interface BackupOutcome {
  stored: (Stored & { hfs: number })[];
  failed: { hfs: number; login?: string; error: string }[];
}

/** Told of each home as it is done. */
export type Progress = (done: { login: string; stored?: Stored; error?: string }) => void;

/**
 * Stores the homes that have changed since they were stored last, or those that are named; each server one at a time, the
 * servers side by side. What fails does not keep the others from it.
 */
export async function backupHomes(
  site: Site,
  store: Store,
  logins: readonly string[],
  onProgress: Progress = () => undefined,
): Promise<BackupOutcome> {
  const repository = openRepository(site); // says what is missing, before anybody is asked
  const rows = await listHomes(store.knex);
  const unknown = logins.filter((login) => !rows.some((row) => row.login === login));
  const outcome: BackupOutcome = {
    stored: [],
    failed: unknown.map((login) => ({ hfs: -1, login, error: `home ${login}: there is none` })),
  };
  const wanted = rows.filter(({ login }) => logins.length === 0 || logins.includes(login));
  const servers = [...new Set(wanted.map(({ hfs }) => hfs))];
  // Two servers that make it at the same moment make one that nobody can read.
  if (servers.length > 0) await repository.ready();
  await Promise.all(
    servers.map(async (hfs) => {
      const here = wanted.filter((row) => row.hfs === hfs).map(({ login }) => login);
      try {
        const due =
          logins.length > 0
            ? here
            : ((await hfsClient(site, hfs, ASK_MS).call('backup_changed')) as string[]);
        for (const login of due)
          try {
            const stored = (await hfsClient(site, hfs, STORE_MS).call('backup', { login })) as Stored;
            outcome.stored.push({ ...stored, hfs });
            onProgress({ login, stored });
          } catch (error) {
            const { message } = asProloError(error);
            outcome.failed.push({ hfs, login, error: message });
            onProgress({ login, error: message });
          }
      } catch (error) {
        outcome.failed.push({ hfs, error: asProloError(error).message });
      }
    }),
  );
  return outcome;
}

/** Forgets old snapshots, and frees what only they held. */
export async function forgetOld(site: Site): Promise<void> {
  await openRepository(site).forget();
}

/** Deletes old images whose time is over, on each server. */
export async function retainImages(
  site: Site,
  store: Store,
): Promise<{ deleted: string[]; failed: { hfs: number; error: string }[] }> {
  const outcome: Awaited<ReturnType<typeof retainImages>> = { deleted: [], failed: [] };
  await Promise.all(
    (await listServers(store, site.config)).map(async (hfs) => {
      try {
        const names = (await hfsClient(site, hfs, ASK_MS).call('retain')) as string[];
        outcome.deleted.push(...names.map((name) => `hfs ${hfs}: ${name}`));
      } catch (error) {
        outcome.failed.push({ hfs, error: asProloError(error).message });
      }
    }),
  );
  return outcome;
}
