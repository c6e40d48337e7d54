import { existsSync, statSync } from 'node:fs';
import { readdir, rm, statfs } from 'node:fs/promises';
import { Counter, Gauge, type Registry } from 'prom-client';
import { Type } from 'typebox';
import { asProloError, ProloError } from '../../errors.ts';
import { createLocks } from '../../locks.ts';
import type { RpcMethods } from '../../rpc/call.ts';
import { listImages, usedBytes } from '../image.ts';
import { Epoch, HomeName } from '../params.ts';
import type { Home } from '../protocol.ts';
import type { Hfs } from '../server.ts';
import { endedFile } from '../source.ts';
import { isUnfinished } from '../unfinished.ts';
import { backupDir, snapshotPaths, backupHome, listChanged } from './backup-home.ts';
import { openRepository, type Repository } from './restic.ts';
import { discardPrepared, placePrepared, prepareFromKept, prepareFromSnapshot } from './restore-image.ts';
import { isPast, type KeptImage, planRetention } from './retention.ts';
import { clearSnapshot, endSnapshot } from './snapshot.ts';

const SnapshotId = Type.String({ pattern: '^[0-9a-f]{8,64}$', description: 'a snapshot of the repository' });

/** An old image that a server still has; only a restore ever serves it. */
export interface KeptCopy {
  login: string;
  epoch: number;
  /** When it was written last, ISO 8601, UTC. */
  time: string;
  used_bytes: number;
}

/**
 * What `hfs N` does for backups, over signed RPC:
 *
 *     backup_changed()                  string[]: the homes here that were written since they were stored last
 *     backup(login)                     Stored: stores one, in use or not
 *     snapshots(login?)                 Snapshot[] of the repository, oldest first
 *     kept(login?)                      KeptCopy[] of this server
 *     space()                           free bytes for homes
 *     prepare_restore(login, snapshot or kept)   its size: makes the image that place_restored(login, epoch) gives its place
 *     discard_restore(login)
 *     retain(dry_run?)                  deletes old images whose time is over: string[], their names
 */
export function createBackupMethods(hfs: Hfs, metrics: Registry): RpcMethods {
  const stored = new Gauge({
    name: 'prolo_hfs_backup_last_seconds',
    help: 'When a home was stored in the backups last, in seconds since 1970',
    registers: [metrics],
  });
  const failures = new Counter({
    name: 'prolo_hfs_backup_failures_total',
    help: 'Backups of homes that failed',
    registers: [metrics],
  });
  let opened: Repository | undefined;
  const repository = (): Repository => (opened ??= openRepository(hfs.site));
  const inTurn = createLocks();
  const secret = 'hfs.control';
  return {
    backup_changed: {
      description: 'The homes on this server that were written since they were stored last.',
      secret,
      params: Type.Object({}),
      result: Type.Array(HomeName),
      run: async () => listChanged(hfs, repository(), await rowsHere(hfs)),
    },
    backup: {
      description: 'Stores a home as it is at one moment, in use or not; one after the other.',
      secret,
      params: Type.Object({ login: HomeName }),
      result: Type.Object({}),
      run: (kwargs) =>
        inTurn('backup', async () => {
          const login = kwargs.login as string;
          const row = (await rowsHere(hfs)).find((one) => one.login === login && one.hfs === hfs.number);
          if (!row) throw new ProloError('not-found', `home ${login}: not on hfs ${hfs.number}`);
          try {
            const result = await backupHome(hfs, repository(), row);
            stored.setToCurrentTime();
            hfs.log.info(result, 'home: stored in the backups');
            return result;
          } catch (error) {
            // On its way elsewhere: that is no failure, it is stored from there.
            if (asProloError(error).kind !== 'conflict') failures.inc();
            throw error;
          }
        }),
    },
    snapshots: {
      description: 'The stored homes, oldest first: of one login, or of all.',
      secret,
      params: Type.Object({ login: Type.Optional(HomeName) }),
      result: Type.Array(Type.Object({})),
      run: ({ login }) => repository().snapshots(login as string | undefined),
    },
    kept: {
      description: 'Old images that this server still has.',
      secret,
      params: Type.Object({ login: Type.Optional(HomeName) }),
      result: Type.Array(Type.Object({})),
      run: async ({ login }) =>
        (await listKept(hfs))
          .filter((one) => login === undefined || one.login === login)
          .map(({ login: of, epoch }): KeptCopy => {
            const file = hfs.imageFile(of, epoch);
            const time = statSync(file, { throwIfNoEntry: false })?.mtime ?? new Date(0);
            return { login: of, epoch, time: time.toISOString(), used_bytes: usedBytes(file) };
          }),
    },
    space: {
      description: 'The bytes that are free for homes on this server.',
      secret,
      params: Type.Object({}),
      result: Type.Number(),
      async run() {
        const { bavail, bsize } = await statfs(hfs.imageDir);
        return bavail * bsize;
      },
    },
    prepare_restore: {
      description:
        'Makes and checks the image of a snapshot, or of an old image here; nothing serves it yet.',
      secret,
      params: Type.Object({
        login: HomeName,
        snapshot: Type.Optional(SnapshotId),
        kept: Type.Optional(Epoch),
      }),
      result: Type.Integer(),
      run: (kwargs) =>
        inTurn(`restore ${String(kwargs.login)}`, async () => {
          const { login, snapshot, kept } = kwargs as { login: string; snapshot?: string; kept?: number };
          if (kept !== undefined) return prepareFromKept(hfs, login, kept);
          const found = (await repository().snapshots(login)).find(
            ({ id }) => snapshot?.startsWith(id) || (snapshot !== undefined && id.startsWith(snapshot)),
          );
          if (!found)
            throw new ProloError('not-found', `home ${login}: no snapshot ${snapshot ?? ''}`, {
              hint: `see \`prolo hfs restore ${login} --list\``,
            });
          return prepareFromSnapshot(hfs, repository(), found);
        }),
    },
    place_restored: {
      description: 'Gives the image that was prepared its place and epoch; hfsdb records it then.',
      secret,
      params: Type.Object({ login: HomeName, epoch: Epoch }),
      result: Type.Boolean(),
      async run({ login, epoch }) {
        await placePrepared(hfs, login as string, epoch as number);
        return true;
      },
    },
    discard_restore: {
      description: 'Takes away what was prepared.',
      secret,
      params: Type.Object({ login: HomeName }),
      result: Type.Boolean(),
      async run({ login }) {
        await discardPrepared(hfs, login as string);
        return true;
      },
    },
    retain: {
      description: 'Deletes old images whose time is over.',
      secret,
      params: Type.Object({ dry_run: Type.Optional(Type.Boolean()) }),
      result: Type.Array(Type.String()),
      run: ({ dry_run = false }) => deleteOld(hfs, dry_run as boolean),
    },
  };
}

const rowsHere = (hfs: Hfs): Promise<Home[]> =>
  hfs.hfsdb.call('homes', { hfs: hfs.number }) as Promise<Home[]>;

/** The images that hfsdb's rows do not name. They are listed first: what comes into being meanwhile is in no danger. */
async function listKept(hfs: Hfs): Promise<(KeptImage & { isOld: boolean })[]> {
  const images = listImages(hfs.imageDir);
  const rows = new Map((await rowsHere(hfs)).map((row) => [row.login, row]));
  return images.flatMap(({ login, epoch }) => {
    const row = rows.get(login);
    const named =
      (row?.hfs === hfs.number && row.epoch === epoch) ||
      (row?.target === hfs.number && row.target_epoch === epoch) ||
      hfs.running.get(login)?.record.epoch === epoch;
    const file = hfs.imageFile(login, epoch);
    if (named || isUnfinished(file)) return [];
    const leftMs = [file, endedFile(hfs, login, epoch)].map(
      (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0,
    );
    const isOld = isPast(epoch, row, existsSync(endedFile(hfs, login, epoch)));
    return [{ login, epoch, ageMs: Date.now() - Math.max(...leftMs), isOld }];
  });
}

async function deleteOld(hfs: Hfs, isDryRun: boolean): Promise<string[]> {
  const old = planRetention(
    (await listKept(hfs)).filter(({ isOld }) => isOld),
    hfs.site.config.hfs.retentionHours * 3600_000,
  );
  for (const { login, epoch } of isDryRun ? [] : old) {
    await rm(hfs.imageFile(login, epoch), { force: true });
    await rm(endedFile(hfs, login, epoch), { force: true });
    hfs.log.info({ login, epoch }, 'home: an old image was deleted');
  }
  return old.map(({ login, epoch }) => `${login}.${epoch}`);
}

/** Ends what backups of an earlier process of this server have left in the storage of homes that still run. */
export async function endLeftSnapshots(hfs: Hfs): Promise<void> {
  const dir = backupDir(hfs);
  const names = await readdir(dir).catch((): string[] => []);
  for (const name of names.filter((one) => !one.includes('.'))) {
    const home = hfs.running.get(name);
    const paths = snapshotPaths(hfs, name);
    await (home ? endSnapshot(home.qmp, paths) : clearSnapshot(paths)).catch((error: unknown) =>
      hfs.log.warn({ login: name, error: String(error) }, 'backup: its snapshot does not end'),
    );
  }
}
