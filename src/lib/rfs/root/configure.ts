import type { Site } from '../../site/site.ts';

export interface ConfigureOptions {
  /** Says what would change, and changes nothing. */
  dryRun?: boolean;
}

/**
 * Puts into a tree what a machine of this site needs, and writes only what differs: done twice, it changes nothing; broken off, the
 * next time completes it.
 * @returns what has changed, as paths below the tree
 */
export function configureRoot(
  _site: Site,
  _tree: string,
  _options: ConfigureOptions = {},
): Promise<string[]> {
  return Promise.resolve([]);
}
