import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProloError } from '../errors.ts';
import { syncPath, writeFileAtomic } from '../write-file.ts';
import type { KeyPair } from '../ed25519.ts';
import type { PackedFirst } from './boot-files.ts';
import { fingerprint } from './fingerprint.ts';
import { hashFile, makeHashTree, makeImage, type Packing } from './image.ts';
import { makeInitramfs } from './initramfs.ts';
import { mustHaveSpace } from './space.ts';
import {
  type Manifest,
  MANIFEST,
  openManifest,
  renderManifest,
  SIGNATURE,
  signManifest,
  VERSION_FILES,
  type VersionFile,
} from './manifest.ts';

/** What a version is made of and by whom. */
export interface Commit {
  staging: string;
  /** Where versions are, a folder each. */
  dir: string;
  version: number;
  message: string;
  by: string;
  at: Date;
  /** Of staging, as it was checked. */
  treeFingerprint: string;
  /** Of that, and of how the version is made. */
  fingerprint: string;
  packing: Packing;
  /** What a boot reads. */
  packedFirst: PackedFirst;
  /** About what it will need, where that is known. */
  expectedBytes?: number;
  keys: KeyPair;
  onStep?: (what: string) => void;
}

/** Where a version is made: beside the others, under a name that no other run has. */
const WORK = '.commit-';

/**
 * Makes a version of the staging tree: its folder is there whole, or not at all.
 * @throws ProloError `conflict` when the tree changed meanwhile, `full`
 */
export async function makeVersion(commit: Commit): Promise<Manifest> {
  const { staging, dir, version, onStep } = commit;
  await mkdir(dir, { recursive: true });
  await mustHaveSpace(dir, commit.expectedBytes ?? 0);
  const work = await mkdtemp(join(dir, WORK));
  const file = (name: VersionFile): string => join(work, name);
  const hash = async (...names: VersionFile[]) =>
    Promise.all(names.map(async (name) => [name, await hashFile(file(name))] as const));
  try {
    onStep?.('image');
    const { sortList, aheadBytes } = commit.packedFirst;
    const sortFile = join(work, 'sort');
    await writeFile(sortFile, sortList);
    const kernel = makeInitramfs(staging, {
      vmlinuz: file('vmlinuz'),
      initrd: file('initrd.img'),
      aheadBytes,
    });
    const image = makeImage(staging, file('root.img'), { ...commit.packing, sortFile });
    // Where one fails, the other is still at work in the folder that goes away.
    await Promise.allSettled([kernel, image]);
    const [kernelVersion] = await Promise.all([kernel, image]);
    await rm(sortFile);
    onStep?.('hashes');
    const tree = makeHashTree(file('root.img'), file('root.verity'));
    const known = hash('root.img', 'vmlinuz', 'initrd.img');
    // A disk says only once that it failed: a second call would not hear of it.
    const synced = syncPath(file('root.img'));
    await Promise.allSettled([tree, known, synced]);
    const [rootHash, sums, print] = await Promise.all([tree, known, fingerprint(staging), synced]);
    if (print !== commit.treeFingerprint)
      throw new ProloError('conflict', `staging ${staging}: it changed while it was read`, {
        hint: 'who works in it? `prolo rfs commit` again when they are done',
      });
    const { message, by } = commit;
    const found = new Map([...sums, ...(await hash('root.verity'))]);
    const manifest = {
      version,
      message,
      by,
      at: commit.at.toISOString(),
      kernelVersion,
      rootHash,
      fingerprint: commit.fingerprint,
      files: Object.fromEntries(VERSION_FILES.map((name) => [name, found.get(name)!])) as Manifest['files'],
    };
    const text = renderManifest(manifest);
    await writeFileAtomic(join(work, SIGNATURE), signManifest(text, commit.keys.privateKey));
    await writeFileAtomic(join(work, MANIFEST), text);
    for (const name of VERSION_FILES) await chmod(file(name), 0o644);
    for (const name of VERSION_FILES) await syncPath(file(name));
    await chmod(work, 0o755); // NFS and HTTP give it to everybody
    await rename(work, join(dir, String(version)));
    await syncPath(dir);
    return manifest;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Takes away what runs that were killed left. For who alone makes versions. */
export async function cleanWork(dir: string): Promise<void> {
  for (const name of await readdir(dir).catch(() => []))
    if (name.startsWith(WORK)) await rm(join(dir, name), { recursive: true, force: true });
}

/** A version's manifest, its signature checked. @throws ProloError `not-found`, `refused` */
export async function readManifest(
  dir: string,
  version: number,
  { publicKey }: Pick<KeyPair, 'publicKey'>,
): Promise<Manifest> {
  const folder = join(dir, String(version));
  const [text, signature] = await Promise.all(
    [MANIFEST, SIGNATURE].map((name) =>
      readFile(join(folder, name), 'utf8').catch((cause: Error) => {
        throw new ProloError('not-found', `version ${version}: ${cause.message}`, {
          hint: 'see `prolo rfs status`',
          cause,
        });
      }),
    ),
  );
  const manifest = openManifest(String(version), text!, signature!, publicKey);
  if (manifest.version === version) return manifest;
  throw new ProloError('refused', `version ${version}: its manifest is version ${manifest.version}'s`);
}

/** Reads every byte of a version. @returns the files that are not what its manifest says */
export async function findDamage(dir: string, manifest: Manifest): Promise<VersionFile[]> {
  const damaged = await Promise.all(
    VERSION_FILES.map(async (name) => {
      const { bytes, sha256 } = manifest.files[name];
      const found = await hashFile(join(dir, String(manifest.version), name)).catch(() => undefined);
      return found?.bytes === bytes && found.sha256 === sha256 ? [] : [name];
    }),
  );
  return damaged.flat();
}
