import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';

/**
 * The mark beside an image that is no home yet. Only what has it is ever deleted unasked: an image without one may be the
 * newest that somebody has, whatever hfsdb's row says, since its database may have been restored from an older day.
 */
const markOf = (image: string): string => image.replace(/img$/, 'unfinished');

/** Before the image gets its name. */
export async function markUnfinished(image: string): Promise<void> {
  await writeFile(markOf(image), '', { mode: 0o600 });
}

export const isUnfinished = (image: string): boolean => existsSync(markOf(image));

/** hfsdb's row names it. */
export async function markWhole(image: string): Promise<void> {
  await rm(markOf(image), { force: true });
}

/** Deletes an image that came to nothing; one that has no mark stays. */
export async function removeUnfinished(image: string): Promise<void> {
  if (!isUnfinished(image)) return;
  await rm(image, { force: true });
  await rm(markOf(image), { force: true });
}
