import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ProloError } from '../errors.ts';
import { syncPath, writeFileAtomic } from '../write-file.ts';
import type { KeyPair } from '../ed25519.ts';
import { fingerprint } from './fingerprint.ts';
import { hashFile, makeHashTree, makeImage, type Packing } from './image.ts';
import { makeInitramfs } from './initramfs.ts';
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
  fingerprint: string;
  packing: Packing;
  keys: KeyPair;
  onStep?: (what: string) => void;
}

/**
 * Makes a version of the staging tree: its folder is there whole, or not at all.
 * @throws ProloError `conflict` when the tree changed meanwhile
 */
export async function makeVersion(commit: Commit): Promise<Manifest> {
  const { staging, dir, version, onStep } = commit;
  const work = join(dir, `.new-${version}`);
  const file = (name: VersionFile): string => join(work, name);
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  try {
    onStep?.('initramfs');
    const kernelVersion = await makeInitramfs(staging, {
      vmlinuz: file('vmlinuz'),
      initrd: file('initrd.img'),
    });
    onStep?.('image');
    await makeImage(staging, file('root.img'), commit.packing);
    onStep?.('hash tree');
    const rootHash = await makeHashTree(file('root.img'), file('root.verity'));
    onStep?.('hashes');
    const files = Object.fromEntries(
      await Promise.all(VERSION_FILES.map(async (name) => [name, await hashFile(file(name))] as const)),
    ) as Manifest['files'];
    if ((await fingerprint(staging)) !== commit.fingerprint)
      throw new ProloError('conflict', `staging ${staging}: it changed while it was read`, {
        hint: 'who works in it? `prolo rfs commit` again when they are done',
      });
    const { message, by } = commit;
    const manifest = {
      version,
      message,
      by,
      at: commit.at.toISOString(),
      kernelVersion,
      rootHash,
      fingerprint: commit.fingerprint,
      files,
    };
    const text = renderManifest(manifest);
    await writeFileAtomic(join(work, SIGNATURE), signManifest(text, commit.keys.privateKey));
    await writeFileAtomic(join(work, MANIFEST), text);
    for (const name of VERSION_FILES) await syncPath(file(name));
    await rename(work, join(dir, String(version)));
    await syncPath(dir);
    return manifest;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
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
