import type { KeyObject } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ProloError } from '../errors.ts';
import { runOk } from '../exec.ts';
import { syncPath, writeFileAtomic } from '../write-file.ts';
import { bringVersion, type Remote } from './distribute.ts';
import {
  type Manifest,
  MANIFEST,
  renderManifest,
  SIGNATURE,
  signManifest,
  VERSION_FILES,
} from './manifest.ts';
import type { Place } from './places.ts';
import { rsyncShell } from './remote.ts';
import { findDamage } from './version.ts';
import type { Checked } from './verify-decide.ts';

const COPY_MS = 3600_000;

/**
 * Into the files that are there: machines that run a version hold them open, and another file of the same name would be a
 * stale handle to them. Only blocks that differ are written.
 */
const IN_PLACE = ['rsync', '--archive', '--inplace', '--no-whole-file', '--checksum', '--timeout=60'];

/** Where the gateway's copy of a version that it lacks is brought, before it has its name. */
export const mendFolder = (version: number): string => `.mend-${version}`;

/** Writes the right bytes into a server's files; one that lacks the version gets it. @throws ProloError */
export async function mend(remote: Remote, dir: string, manifest: Manifest, checked: Checked): Promise<void> {
  if (checked.found === 'lacking') return bringVersion(remote, dir, manifest);
  const folder = join(dir, String(manifest.version));
  const files = checked.files.map((name) => join(folder, name));
  await runOk([...IN_PLACE, '-e', rsyncShell(remote), ...files, `${remote.at}:${folder}/`], {
    timeoutMs: COPY_MS,
  });
}

/**
 * Mends the gateway's own copy from a server whose copy is whole; the manifest is written anew from the database.
 * @throws ProloError `not-found` where no server has it whole
 */
export async function mendHere(
  dir: string,
  manifest: Manifest,
  key: KeyObject,
  checked: Checked,
  from: Place | undefined,
): Promise<void> {
  const { version } = manifest;
  const folder = join(dir, String(version));
  const lacking = checked.found === 'lacking';
  const work = join(dir, mendFolder(version));
  const into = lacking ? join(work, String(version)) : folder;
  const wrong = VERSION_FILES.filter((name) => lacking || checked.files.includes(name));
  if (wrong.length > 0 && !from?.remote)
    throw new ProloError('not-found', `version ${version}: no server has it whole`, {
      hint: 'nothing can mend it: `prolo rfs rollback` to another one, and `prolo rfs prune` this one',
    });
  await mkdir(into, { recursive: true, mode: 0o755 });
  if (wrong.length > 0) {
    const { at } = from!.remote!;
    const files = wrong.map((name) => `${at}:${join(folder, name)}`);
    await runOk([...IN_PLACE, '-e', rsyncShell(from!.remote!), ...files, `${into}/`], { timeoutMs: COPY_MS });
  }
  const text = renderManifest(manifest);
  await writeFileAtomic(join(into, SIGNATURE), signManifest(text, key));
  await writeFileAtomic(join(into, MANIFEST), text);
  if (!lacking) return;
  const damaged = await findDamage(work, manifest);
  if (damaged.length > 0)
    throw new ProloError('failed', `version ${version}: ${damaged.join(', ')} came with other bytes`);
  for (const name of VERSION_FILES) await syncPath(join(into, name));
  await rename(into, folder);
  await syncPath(dir);
  await rm(work, { recursive: true, force: true });
}
