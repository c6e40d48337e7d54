import { stringify } from 'yaml';
import type { Config } from './schema.ts';

/** A partial config: what differs from the defaults. */
export type ConfigDraft = {
  [K in keyof Config]?: Config[K] extends readonly unknown[]
    ? Config[K]
    : Config[K] extends object
      ? Partial<Config[K]>
      : Config[K];
};

/** `prolo.yml` for people: what this site says of itself; everything else is a default that docs/config.md lists. */
export function renderConfig(draft: ConfigDraft): string {
  return `# The site, as prolo knows it. Keys that are not here have their defaults (docs/config.md).\n${stringify(draft)}`;
}
