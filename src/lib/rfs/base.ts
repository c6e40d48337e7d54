import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Packing } from './image.ts';
import type { Manifest } from './manifest.ts';
import type { Before } from './squashfs/facts.ts';

/** What the gateway keeps beside a version: what `find` said of the tree, and how its image was made. No server gets it. */
export const FACTS_FILE = '.facts';

/** A file that changed so short a time before it was listed may have changed again within one tick of the clock. */
const TICK_SECONDS = 0.1;

/** A version that another may be made from. */
export interface Base {
  manifest: Manifest;
  folder: string;
  before: Before;
}

/** How an image's data are laid out: of another, nothing can be taken over. */
export function layoutOf(packing: Packing, bootList: string): string {
  return createHash('sha256')
    .update(JSON.stringify([packing.compression, packing.blockBytes, bootList]))
    .digest('hex');
}

/** @param listedAt before the tree was listed */
export async function writeFacts(
  folder: string,
  layout: string,
  listedAt: Date,
  facts: Buffer,
): Promise<void> {
  const head = Buffer.from(`${JSON.stringify({ layout, listedAt: listedAt.getTime() / 1000 })}\n`);
  await writeFile(join(folder, FACTS_FILE), Buffer.concat([head, facts]), { mode: 0o600 });
}

/** @returns undefined where it is not known, or its image is laid out in another way */
export async function readBase(dir: string, manifest: Manifest, layout: string): Promise<Base | undefined> {
  const folder = join(dir, String(manifest.version));
  const bytes = await readFile(join(folder, FACTS_FILE)).catch(() => undefined);
  const headEnd = bytes?.indexOf('\n') ?? -1;
  if (!bytes || headEnd < 0) return undefined;
  const head = parseHead(bytes.toString('utf8', 0, headEnd));
  if (head?.layout !== layout || typeof head.listedAt !== 'number') return undefined;
  const parts = bytes.toString('latin1', headEnd + 1).split('\0');
  const lines = new Set(parts.filter((_, i) => i % 2 === 0));
  return { manifest, folder, before: { lines, surelyAt: head.listedAt - TICK_SECONDS } };
}

/** Nothing says that the disk has it whole: it is not in the manifest, and not waited for. */
function parseHead(text: string): { layout?: unknown; listedAt?: unknown } | undefined {
  try {
    return JSON.parse(text) as { layout?: unknown; listedAt?: unknown };
  } catch {
    return undefined;
  }
}
