import { foldNodeset } from '../nodeset.ts';
import type { RfsRecord } from './record.ts';

/** Whose machines boot a version: `rfs[0-2]`, and those that only try it. */
export function describeBoots(version: number, boots: readonly RfsRecord[]): string {
  const all = boots.filter((record) => record.version === version).map(({ rfs }) => `rfs${rfs}`);
  const tried = boots.flatMap(({ canary }) => (canary?.version === version ? canary.machines : []));
  return [
    ...(all.length > 0 ? [foldNodeset(all)] : []),
    ...(tried.length > 0 ? [`${foldNodeset(tried)} (trial)`] : []),
  ].join(', ');
}
