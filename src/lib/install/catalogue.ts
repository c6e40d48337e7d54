import type { Host, Recipe, RecipeMaker } from './recipe.ts';
import { base } from './recipes/base.ts';
import { nginx } from './recipes/nginx.ts';
import { ntpServer } from './recipes/ntp.ts';
import { router, sysctl } from './recipes/sysctl.ts';

const MAKERS: readonly RecipeMaker[] = [base, sysctl, router, ntpServer, nginx];

/** Recipes by name, made for a host. */
export function recipesFor(host: Host): ReadonlyMap<string, Recipe> {
  return new Map(MAKERS.map((make) => make(host)).map((recipe) => [recipe.name, recipe]));
}
