import { foldNodeset } from '../nodeset.ts';
import { ProloError } from '../errors.ts';
import type { RfsRecord } from './record.ts';
import type { Running } from './running.ts';
import type { VersionRow } from './table.ts';
import type { Tag } from './tag.ts';

/** A machine that ran a version so long ago may be asleep, and wake up with it. */
const RUN_MS = 24 * 3600_000;
/** Machines that were told a version so long ago may still be starting, and have not said so. */
const BOOT_MS = 10 * 60_000;

export interface PruneFacts {
  /** Newest first. */
  rows: readonly VersionRow[];
  boots: readonly RfsRecord[];
  running: readonly Running[];
  tags: readonly Tag[];
  nowMs: number;
}

export interface PrunePlan {
  /** Whose files are removed. */
  prune: number[];
  kept: { version: number; why: string }[];
}

/** Why a version must stay; undefined: it need not. */
export function neededBy(version: number, facts: PruneFacts): string | undefined {
  const { rows, boots, running, tags, nowMs } = facts;
  const booted = boots.filter((record) => record.version === version).map(({ rfs }) => `rfs${rfs}`);
  if (booted.length > 0) return `booted by the machines of ${foldNodeset(booted)}`;
  const tried = boots.flatMap(({ canary }) => (canary?.version === version ? canary.machines : []));
  if (tried.length > 0) return `tried by ${foldNodeset(tried)}`;
  const runs = running.filter((one) => one.version === version && nowMs - Date.parse(one.seenAt) < RUN_MS);
  if (runs.length > 0) return `run by ${foldNodeset(runs.map(({ hostname }) => hostname))}`;
  const names = tags.filter((tag) => tag.version === version).map(({ name }) => name);
  if (names.length > 0) return `tagged ${names.join(', ')}`;
  const leftAt = rows.find(({ manifest }) => manifest.version === version)?.leftAt;
  const ready = leftAt ? Date.parse(leftAt) + BOOT_MS : 0;
  return ready > nowMs
    ? `booted until a moment ago: machines may still be starting, for ${Math.ceil((ready - nowMs) / 60_000)} min`
    : undefined;
}

/**
 * What goes, and why the rest stays.
 * @param wanted these; undefined: whatever is needed by nobody and is not one of the newest
 * @throws ProloError `not-found`, or `refused` for one of `wanted` that is needed
 */
export function planPrune(facts: PruneFacts, keep: number, wanted: readonly number[] | undefined): PrunePlan {
  const there = facts.rows
    .filter(({ prunedAt }) => prunedAt === null)
    .map(({ manifest }) => manifest.version);
  if (wanted) return { prune: chooseWanted(facts, there, wanted), kept: [] };
  const plan: PrunePlan = { prune: [], kept: [] };
  for (const [i, version] of there.entries()) {
    const why = neededBy(version, facts) ?? (i < keep ? `one of the newest ${keep}` : undefined);
    if (why === undefined) plan.prune.push(version);
    else plan.kept.push({ version, why });
  }
  return plan;
}

function chooseWanted(facts: PruneFacts, there: readonly number[], wanted: readonly number[]): number[] {
  for (const version of wanted) {
    if (!facts.rows.some(({ manifest }) => manifest.version === version))
      throw new ProloError('not-found', `version ${version}: there is none`, {
        hint: 'see `prolo rfs status`',
      });
    const why = there.includes(version) ? neededBy(version, facts) : undefined;
    if (why !== undefined) throw stillNeeded(version, why);
  }
  return there.filter((version) => wanted.includes(version));
}

export function stillNeeded(version: number, why: string): ProloError {
  return new ProloError('refused', `version ${version}: ${why}`, {
    hint: why.startsWith('tagged')
      ? '`prolo rfs tag --rm NAME` takes the name away'
      : 'its files would vanish under machines that need them; start those anew with another one first',
  });
}
