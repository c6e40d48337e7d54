import { ProloError } from '../errors.ts';
import type { TreeEntry } from '../rfs/root/tree-entry.ts';
import type { FileWish, FolderWish, Recipe, TreeWish } from './recipe.ts';

/** A file as it is. */
export interface FileState {
  text: string;
  mode: number;
  owner: string;
  group: string;
  sha256: string;
}

/** What a folder lacks of the files of this machine that it should have. */
export interface TreeState {
  entries: readonly TreeEntry[];
  /** Of all files that it should have. */
  files: number;
  /** To copy. */
  bytes: number;
  /** Whether there was such a folder before. */
  there: boolean;
}

/** What a host has of what recipes speak of. */
export interface HostState {
  packages: ReadonlySet<string>;
  users: ReadonlySet<string>;
  folders: ReadonlyMap<string, Omit<FileState, 'text' | 'sha256'>>;
  files: ReadonlyMap<string, FileState>;
  trees: ReadonlyMap<string, TreeState>;
  /** Units that start with the host. */
  enabled: ReadonlySet<string>;
  /** SHA-256 of what prolo, or a package, wrote at a path: who finds another there has found a person's work. */
  written: ReadonlyMap<string, ReadonlySet<string>>;
}

export type Step =
  | { kind: 'packages'; recipe: string; install: string[] }
  | { kind: 'user'; recipe: string; name: string; home?: string }
  | { kind: 'folder'; recipe: string; wish: FolderWish }
  | { kind: 'tree'; recipe: string; wish: TreeWish; lacks: TreeState }
  /** `edited`: a person has changed it since. */
  | { kind: 'file'; recipe: string; wish: FileWish; before: FileState | undefined; edited: boolean }
  | { kind: 'enable'; recipe: string; units: string[] };

/**
 * Recipes in the order in which they can be done: each after what it needs, which is added.
 * @throws ProloError `not-found` for one that is none, `bad-input` where some need each other
 */
export function orderRecipes(names: readonly string[], all: ReadonlyMap<string, Recipe>): Recipe[] {
  const ordered: Recipe[] = [];
  const under: string[] = [];
  const visit = (name: string): void => {
    const recipe = all.get(name);
    if (!recipe)
      throw new ProloError('not-found', `recipe ${name}: there is none`, {
        hint: 'see `prolo install --list`',
      });
    if (ordered.includes(recipe)) return;
    if (under.includes(name))
      throw new ProloError('bad-input', `recipe ${name}: needs itself, through ${under.join(', ')}`);
    under.push(name);
    recipe.needs?.forEach(visit);
    under.pop();
    ordered.push(recipe);
  };
  names.forEach(visit);
  return ordered;
}

/** What is to be done for a host to be as the recipes say; nothing where it is. */
export function planInstall(recipes: readonly Recipe[], state: HostState): Step[] {
  const packages = new Set(state.packages);
  return recipes.flatMap((recipe) => {
    const steps = planRecipe(recipe, { ...state, packages });
    recipe.packages?.forEach((one) => packages.add(one)); // which two may want
    return steps;
  });
}

function planRecipe(recipe: Recipe, state: HostState): Step[] {
  const { name, packages = [], users = [], folders = [], trees = [], files = [], units = [] } = recipe;
  const install = packages.filter((one) => !state.packages.has(one));
  const enable = units.filter((one) => !state.enabled.has(one));
  return [
    ...(install.length > 0 ? [{ kind: 'packages' as const, recipe: name, install }] : []),
    ...users
      .filter((user) => !state.users.has(user.name))
      .map((user) => ({ kind: 'user' as const, recipe: name, ...user })),
    ...folders
      .filter((wish) => !isAs(state.folders.get(wish.path), wish, 0o755))
      .map((wish) => ({ kind: 'folder' as const, recipe: name, wish })),
    ...trees.flatMap((wish) => {
      const lacks = state.trees.get(wish.path);
      return lacks && lacks.entries.length > 0 ? [{ kind: 'tree' as const, recipe: name, wish, lacks }] : [];
    }),
    ...files.flatMap((wish) => {
      const before = state.files.get(wish.path);
      if (before?.text === wish.text && isAs(before, wish, 0o644)) return [];
      const edited =
        before !== undefined &&
        before.text !== wish.text &&
        !wish.replace &&
        isEdited(before, state, wish.path);
      return [{ kind: 'file' as const, recipe: name, wish, before, edited }];
    }),
    ...(enable.length > 0 ? [{ kind: 'enable' as const, recipe: name, units: enable }] : []),
  ];
}

function isEdited(before: FileState, { written }: HostState, path: string): boolean {
  return !written.get(path)?.has(before.sha256);
}

function isAs(
  now: { mode: number; owner: string; group: string } | undefined,
  { mode, owner = 'root', group = owner }: { mode?: number; owner?: string; group?: string },
  usual: number,
): boolean {
  return now?.mode === (mode ?? usual) && now.owner === owner && now.group === group;
}
