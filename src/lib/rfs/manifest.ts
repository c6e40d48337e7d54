import { sign, verify, type KeyObject } from 'node:crypto';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { ProloError } from '../errors.ts';

/** The files of a version; together they are the root filesystem, and nothing else is needed to boot it. */
export const VERSION_FILES = ['root.img', 'root.verity', 'vmlinuz', 'initrd.img'] as const;
export type VersionFile = (typeof VERSION_FILES)[number];
export const MANIFEST = 'version.json';
export const SIGNATURE = 'version.sig';

const sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const FileFacts = Type.Object(
  { bytes: Type.Integer({ minimum: 0 }), sha256 },
  { additionalProperties: false },
);

const Manifest = Type.Object(
  {
    version: Type.Integer({ minimum: 1 }),
    message: Type.String(),
    by: Type.String(),
    /** ISO 8601. */
    at: Type.String(),
    kernelVersion: Type.String(),
    /** Of the hash tree over root.img: what the kernel is told, and checks each block that it reads against. */
    rootHash: sha256,
    /** Of the staging tree that it was made from, and of how: see `fingerprint.ts`. */
    fingerprint: sha256,
    files: Type.Object(
      Object.fromEntries(VERSION_FILES.map((name) => [name, FileFacts])) as Record<
        VersionFile,
        typeof FileFacts
      >,
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);
/** What a version is. It never changes. */
export type Manifest = Static<typeof Manifest>;

/** The bytes that are signed, and that `version.json` holds. */
export function renderManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

export function signManifest(text: string, key: KeyObject): string {
  return `${sign(null, Buffer.from(text), key).toString('base64')}\n`;
}

/**
 * @param where it came from, for the error
 * @throws ProloError `refused` when it is not signed by that key, or is no manifest
 */
export function openManifest(where: string, text: string, signature: string, key: KeyObject): Manifest {
  if (!verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64')))
    throw new ProloError('refused', `version ${where}: it is not signed by this site's key`, {
      hint: 'do not boot it; was it copied from another site, or changed by hand?',
    });
  const manifest: unknown = JSON.parse(text);
  if (!Value.Check(Manifest, manifest))
    throw new ProloError('refused', `version ${where}: ${MANIFEST} is of another kind of prolo`);
  return manifest;
}
