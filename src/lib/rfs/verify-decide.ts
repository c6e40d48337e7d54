import { createHash, type KeyObject } from 'node:crypto';
import {
  type Manifest,
  MANIFEST,
  renderManifest,
  SIGNATURE,
  signManifest,
  VERSION_FILES,
} from './manifest.ts';

/** How a version is at one place. `lacking`: not there, though its machines boot it, or it was there. */
export type Finding = 'whole' | 'damaged' | 'lacking' | 'absent' | 'unknown';

export interface Checked {
  hostname: string;
  version: number;
  found: Finding;
  /** What has other bytes than were committed, or none. */
  files: string[];
  /** Why it is not known. */
  reason?: string;
  /** It was damaged or lacking, and is whole now. */
  repaired?: true;
}

/** The SHA-256 of all files of a version, by their names: what the manifest says, the manifest itself, and this site's signature of it. */
export function expectedSums(manifest: Manifest, key: KeyObject): Map<string, string> {
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  const text = renderManifest(manifest);
  return new Map([
    ...VERSION_FILES.map((name) => [name, manifest.files[name].sha256] as const),
    [MANIFEST, sha256(text)],
    [SIGNATURE, sha256(signManifest(text, key))],
  ]);
}

/** @param output lines as `sha256sum` and `openssl dgst -r` print them. */
export function parseSums(output: string): Map<string, string> {
  return new Map(
    output.split('\n').flatMap((line) => {
      const [, sha256, name] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, sha256!] as const];
    }),
  );
}

/**
 * What was found at a place.
 * @param sums by file; undefined: there is no such folder
 * @param wanted whether it should be there
 */
export function judge(
  expected: ReadonlyMap<string, string>,
  sums: ReadonlyMap<string, string> | undefined,
  wanted: boolean,
): Pick<Checked, 'found' | 'files'> {
  if (!sums) return { found: wanted ? 'lacking' : 'absent', files: [] };
  const files = [...expected].filter(([name, sha256]) => sums.get(name) !== sha256).map(([name]) => name);
  return { found: files.length > 0 ? 'damaged' : 'whole', files };
}

export const isBad = ({ found }: Checked): boolean => !['whole', 'absent'].includes(found);
