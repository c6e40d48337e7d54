import { existsSync } from 'node:fs';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { ProloError } from '../errors.ts';
import { type Dump, dumpStore, loadDump } from '../store/dump.ts';
import { openStore, type Store } from '../store/store.ts';
import { readFileIfThere, writeFileAtomic } from '../write-file.ts';
import { seal, unseal } from './seal.ts';
import { databaseUrl, loadSite, type Site } from './site.ts';

interface Contents {
  at: string;
  config: string;
  secrets: string;
  dump: Dump;
}

export interface BackupSummary {
  at: string;
  machines: number;
  users: number;
  bytes: number;
}

/** Writes the site, all that cannot be made again, to one encrypted file (mode 0600), while everything runs. */
export async function backupSite(
  site: Site,
  store: Store,
  file: string,
  passphrase: string,
  now: Date,
): Promise<BackupSummary> {
  const contents: Contents = {
    at: now.toISOString(),
    config: await readFile(site.file, 'utf8'),
    secrets: await readFile(resolve(site.dir, site.config.secrets), 'utf8'),
    dump: await dumpStore(store),
  };
  const sealed = await seal(await promisify(gzip)(JSON.stringify(contents)), passphrase);
  await writeFileAtomic(resolve(file), sealed, 0o600);
  return summary(contents, sealed.length);
}

/**
 * Makes a site in `dir` from a backup. prolo.yml comes last: a restore that was cut short is no site, and can be
 * repeated once its folder is removed.
 * @throws ProloError `bad-input` for the file or passphrase, `conflict` where a site or a filled database is
 */
export async function restoreSite(file: string, dir: string, passphrase: string): Promise<BackupSummary> {
  const sealed = await readFile(file).catch((error: Error) => {
    throw new ProloError('not-found', `backup: ${error.message}`, { cause: error });
  });
  const contents = JSON.parse(
    (await promisify(gunzip)(await unseal(sealed, passphrase))).toString('utf8'),
  ) as Contents;
  const configFile = join(resolve(dir), 'prolo.yml');
  if (existsSync(configFile))
    throw new ProloError('conflict', `site ${dir}: there is one already`, {
      hint: 'restore into another folder',
    });
  const draftFile = join(resolve(dir), '.prolo.yml.restoring');
  await mkdir(resolve(dir), { recursive: true });
  await writeFileAtomic(draftFile, contents.config);
  const site = loadSite(draftFile);
  await restoreSecrets(resolve(site.dir, site.config.secrets), contents.secrets);
  const store = await openStore(databaseUrl(site, { create: true }));
  try {
    await loadDump(store, contents.dump);
  } finally {
    await store.close();
  }
  await rename(draftFile, configFile);
  return summary(contents, sealed.length);
}

/** The config may name a file outside the folder, which a site that runs may be using. */
async function restoreSecrets(file: string, text: string): Promise<void> {
  const there = await readFileIfThere(file);
  if (there !== undefined && there !== text)
    throw new ProloError('conflict', `${file}: there are other secrets already`, {
      hint: 'move that file away first, if no site needs it',
    });
  await writeFileAtomic(file, text, 0o600);
}

function summary({ at, dump }: Contents, bytes: number): BackupSummary {
  return { at, machines: dump.tables.machines?.length ?? 0, users: dump.tables.users?.length ?? 0, bytes };
}
