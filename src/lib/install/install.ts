import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProloError } from '../errors.ts';
import type { Site } from '../site/site.ts';
import { type Applied, applyInstall } from './apply.ts';
import { recipesFor } from './catalogue.ts';
import { type Journal, newRunId, openJournal, type Run, writtenBy } from './journal.ts';
import { checkNics } from './nics.ts';
import { orderRecipes, planInstall, type Step } from './plan.ts';
import type { Distribution, Recipe } from './recipe.ts';
import { readState } from './state.ts';
import { checkWritable } from './writable.ts';

export interface Target {
  site: Site;
  /** The root folder of the host that is installed; `/` is this one. */
  root: string;
  hostname: string;
  /** What it is in the site, where that was said. */
  role?: string;
}

export interface Plan {
  target: Target;
  distribution: Distribution;
  recipes: Recipe[];
  steps: Step[];
}

const NICS = '/sys/class/net';

/** What a host still lacks of these recipes, and of what they need. Changes nothing. @throws as `orderRecipes`, `checkNics` */
export async function makePlan(target: Target, names: readonly string[]): Promise<Plan> {
  const { root, ...host } = target;
  const distribution = distributionOf(root);
  const recipes = orderRecipes(names, recipesFor({ ...host, distribution }));
  const isHere = root === '/' && existsSync(NICS);
  if (isHere && recipes.some(({ name }) => name === 'networkd'))
    checkNics(target.site.config, readdirSync(NICS));
  const own = writtenBy(await openJournal(root).runs());
  return {
    target,
    distribution,
    recipes,
    steps: planInstall(recipes, await readState(root, distribution, recipes, own)),
  };
}

/** Does what was planned, and writes it down. @returns undefined where there was nothing to do @throws as `checkWritable`, `applyInstall` */
export async function applyPlan(
  { target: { root }, distribution, recipes, steps }: Plan,
  options: { by: string; at: Date; overwrite: boolean; onStep?: (step: Step) => void },
): Promise<(Applied & { run: Run }) | undefined> {
  if (steps.length === 0) return undefined;
  await checkWritable(root, steps);
  const { by, at, overwrite, onStep } = options;
  const opened = openJournal(root);
  let isWritten = false;
  const journal: Journal = {
    ...opened,
    async write(one) {
      await opened.write(one);
      isWritten = true;
    },
  };
  const names = recipes.map(({ name }) => name);
  const run: Run = {
    id: newRunId(at),
    at: at.toISOString(),
    by,
    recipes: names,
    state: 'begun',
    changes: [],
  };
  try {
    const applied = await applyInstall({
      ...{ root, distribution, recipes, steps, journal, run, overwrite },
      ...(onStep ? { onStep } : {}),
    });
    run.state = 'done';
    if (isWritten) await journal.write(run);
    return { ...applied, run };
  } catch (error) {
    run.state = 'failed';
    // A full disk is in the way of this too: what counts is what was in the way first.
    if (isWritten) await journal.write(run).catch(() => undefined);
    throw error;
  }
}

/** @throws ProloError `unavailable` for a system that prolo does not know */
export function distributionOf(root: string): Distribution {
  const file = ['etc/os-release', 'usr/lib/os-release'].map((path) => join(root, path)).find(existsSync);
  const text = file === undefined ? '' : readFileSync(file, 'utf8');
  const ids = [...text.matchAll(/^(?:ID|ID_LIKE)="?([^"\n]*)"?$/gm)].flatMap(([, words]) =>
    words!.split(' '),
  );
  const known = (['debian', 'arch'] as const).find((one) => ids.includes(one));
  if (known) return known;
  throw new ProloError('unavailable', `host ${root}: ${ids[0] ?? 'no os-release'}: neither Debian nor Arch`, {
    hint: 'a folder needs a system in it first: mmdebstrap bookworm DIR, or pacstrap DIR',
  });
}
