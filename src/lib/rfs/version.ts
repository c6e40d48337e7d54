import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProloError } from '../errors.ts';
import { syncPath, writeFileAtomic } from '../write-file.ts';
import type { KeyPair } from '../ed25519.ts';
import type { PackedFirst } from './boot-files.ts';
import { type Base, readBase, writeFacts } from './base.ts';
import type { Unsigned } from './deliver.ts';
import { fingerprint } from './fingerprint.ts';
import { hashFile, makeHashTree, makeImage, mustBeHashTree, type Packing, sha256Of } from './image.ts';
import { type Delta, makeIncrement, NotIncremental } from './increment.ts';
import { makeInitramfs } from './initramfs.ts';
import { renewHashTree } from './verity.ts';
import { mustHaveSpace, noRoom } from './space.ts';
import { SUPERBLOCK_BYTES } from './squashfs/superblock.ts';
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
  /** Where the image may be made out of an earlier one's, and what is kept for the next. */
  increment?: Increment;
  /** About what it will need, where that is known. */
  expectedBytes?: number;
  keys: KeyPair;
  onStep?: (what: string) => void;
  /** All but the manifest is there, if nothing has changed meanwhile; told where it was made of another version. */
  onMade?: (made: Unsigned) => void;
}

export interface Increment {
  /** The version before, where there is one. */
  before: Manifest | undefined;
  /** See `layoutOf`. */
  layout: string;
  /** What `find` said of staging. */
  facts: Buffer;
  /** Before it said so. */
  listedAt: Date;
  /** Makes a whole image anyhow. */
  repack: boolean;
}

export interface Made {
  manifest: Manifest;
  /** What its image was made of, where that is another one. */
  delta: Delta | undefined;
}

/** Where a version is made: beside the others, under a name that no other run has. */
const WORK = '.commit-';

/**
 * Makes a version of the staging tree: its folder is there whole, or not at all.
 * @throws ProloError `conflict` when the tree changed meanwhile, `full`
 */
export async function makeVersion(commit: Commit): Promise<Made> {
  const { staging, dir, version, onStep } = commit;
  await mkdir(dir, { recursive: true });
  await mustHaveSpace(dir, commit.expectedBytes ?? 0);
  const work = await mkdtemp(join(dir, WORK));
  const file = (name: VersionFile): string => join(work, name);
  const hash = async (...names: VersionFile[]) =>
    Promise.all(
      names.map(async (name) => {
        const [{ size: bytes }, sha256] = await Promise.all([stat(file(name)), sha256Of(file(name))]);
        return [name, { bytes, sha256 }] as const;
      }),
    );
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
    const image = makeOneImage(commit, work, sortFile);
    // Where one fails, the other is still at work in the folder that goes away.
    await Promise.allSettled([kernel, image]);
    const [kernelVersion, out] = await Promise.all([kernel, image]);
    await rm(sortFile);
    onStep?.('hashes');
    const tree = makeTree(file('root.img'), file('root.verity'), out);
    // Whatever was taken over from the version before: machines refuse each block that its hash is not of.
    const proven = tree.then((top) => out && mustBeHashTree(file('root.img'), file('root.verity'), top));
    const imageSum = hash('root.img');
    const kernelSums = hash('vmlinuz', 'initrd.img');
    const printed = fingerprint(staging);
    // A disk says only once that it failed: a second call would not hear of it.
    const synced = syncPath(file('root.img'));
    // Whatever fails is heard of below, once nothing is at work in the folder any more.
    const all = Promise.allSettled([tree, proven, imageSum, kernelSums, printed, synced]);
    const [isTree, sumsOf] = await Promise.allSettled([tree, kernelSums]);
    if (out && isTree.status === 'fulfilled' && sumsOf.status === 'fulfilled') {
      const before = out.base.manifest.files;
      const same = sumsOf.value.flatMap(([name, { sha256 }]) =>
        before[name].sha256 === sha256 ? [name] : [],
      );
      commit.onMade?.({ folder: work, delta: out.delta, same });
    }
    await all;
    await proven;
    const [rootHash, print, ...known] = await Promise.all([tree, printed, imageSum, kernelSums, synced]);
    const sums = known.flatMap((found) => found ?? []);
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
    const { increment } = commit;
    if (increment) await writeFacts(work, increment.layout, increment.listedAt, increment.facts);
    const text = renderManifest(manifest);
    await writeFileAtomic(join(work, SIGNATURE), signManifest(text, commit.keys.privateKey));
    await writeFileAtomic(join(work, MANIFEST), text);
    for (const name of VERSION_FILES) await chmod(file(name), 0o644);
    for (const name of VERSION_FILES) await syncPath(file(name));
    await chmod(work, 0o755); // NFS and HTTP give it to everybody
    await rename(work, join(dir, String(version)));
    await syncPath(dir);
    return { manifest, delta: out?.delta };
  } catch (error) {
    throw noRoom(dir, error);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

interface Incremented {
  delta: Delta;
  base: Base;
}

/** @returns what it was made of; undefined: of all that is in the tree */
async function makeOneImage(
  commit: Commit,
  work: string,
  sortFile: string,
): Promise<Incremented | undefined> {
  const { staging, packing, increment } = commit;
  const image = join(work, 'root.img');
  const made = increment && (await makeFromLast(commit, increment, work, image));
  if (made) return made;
  await rm(image, { force: true });
  await makeImage(staging, image, { ...packing, sortFile });
  return undefined;
}

async function makeFromLast(
  { staging, dir, packing, at: madeAt, onStep }: Commit,
  { before, layout, facts, repack }: Increment,
  work: string,
  image: string,
): Promise<Incremented | undefined> {
  if (!before || repack) return undefined;
  const base = await readBase(dir, before, layout);
  if (!base) return undefined;
  const own = join(work, 'increment');
  try {
    const { blockBytes } = packing;
    await mkdir(own);
    const delta = await makeIncrement({ staging, facts, base, blockBytes, image, work: own, madeAt });
    return { delta, base };
  } catch (error) {
    if (!(error instanceof NotIncremental)) throw error;
    onStep?.(`a whole image: ${error.message}`);
    return undefined;
  } finally {
    await rm(own, { recursive: true, force: true }); // one that broke off left its files there
  }
}

/** @returns its root, in hex */
async function makeTree(image: string, tree: string, made: Incremented | undefined): Promise<string> {
  if (!made) return makeHashTree(image, tree);
  const { delta, base } = made;
  const old = join(base.folder, 'root.verity');
  const sum = await sha256Of(old).catch(() => undefined); // it may have been pruned by now
  const isWhole = sum === base.manifest.files['root.verity'].sha256;
  const changed = [
    { start: 0, end: SUPERBLOCK_BYTES },
    ...delta.zeroed,
    { start: delta.from, end: delta.bytes },
  ];
  return (isWhole && (await renewHashTree(old, image, tree, changed))) || makeHashTree(image, tree);
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
