import { chmod, chown, lstat, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ProloError } from '../errors.ts';
import { runOk } from '../exec.ts';

import { putEntry } from '../rfs/root/tree-entry.ts';
import { writeFileAtomic } from '../write-file.ts';
import { readIds, runInRoot } from './in-root.ts';
import type { Change, Journal, Run } from './journal.ts';
import type { FileState, Step } from './plan.ts';
import type { Check, Distribution, FileWish, Recipe } from './recipe.ts';
import { sha256 } from './state.ts';
import { type PackageManager, packageManager } from './packages.ts';
import { takeIn } from './take-in.ts';

export interface ApplyOptions {
  root: string;
  distribution: Distribution;
  recipes: readonly Recipe[];
  steps: readonly Step[];
  journal: Journal;
  /** As it is begun. */
  run: Run;
  /** Whether files that a person changed are replaced; theirs is kept beside. */
  overwrite: boolean;
  onStep?: (step: Step) => void;
}

export interface Applied {
  /** Files of a person that stay; the text that prolo would have is beside each, with `.prolo-new` behind its name. */
  left: string[];
}

/**
 * Brings a host to what was planned, a recipe at a time: packages, users, folders, files, checks, and only then what reads them.
 * @throws ProloError `refused` when a check says no: that recipe's files are what they were
 */
export async function applyInstall(options: ApplyOptions): Promise<Applied> {
  const left: string[] = [];
  const packages = packageManager(options.root, options.distribution);
  for (const recipe of options.recipes) {
    const steps = options.steps.filter((step) => step.recipe === recipe.name);
    const changed: Extract<Change, { kind: 'file' }>[] = [];
    for (const step of steps) {
      options.onStep?.(step);
      if (step.kind === 'file' && step.edited && !options.overwrite) {
        await putFile(options.root, { ...step.wish, path: `${step.wish.path}.prolo-new` });
        left.push(step.wish.path);
        continue;
      }
      const change = changeOf(step);
      await note(options, change);
      if (change.kind === 'file') changed.push(change);
      await doStep(options, packages, step);
    }
    const copied = steps.some(({ kind }) => kind === 'tree');
    if (copied || changed.length > 0) await checkFiles(options, recipe, changed);
    const enabled = steps.some(({ kind }) => kind === 'enable');
    await takeIn(options.root, recipe, copied || enabled || changed.length > 0);
  }
  return { left };
}

async function note({ journal, run: begun }: ApplyOptions, change: Change): Promise<void> {
  begun.changes.push(change);
  await journal.write(begun);
}

function changeOf(step: Step): Change {
  switch (step.kind) {
    case 'packages':
      return { kind: 'packages', install: step.install };
    case 'user':
      return { kind: 'user', name: step.name };
    case 'folder':
      return { kind: 'folder', path: step.wish.path };
    case 'tree':
      return { kind: 'tree', path: step.wish.path, there: step.lacks.there };
    case 'file':
      return {
        kind: 'file',
        path: step.wish.path,
        before: step.before ?? null,
        sha256: sha256(step.wish.text),
      };
    case 'enable':
      return { kind: 'enable', units: step.units };
  }
}

async function doStep({ root }: ApplyOptions, packages: PackageManager, step: Step): Promise<void> {
  switch (step.kind) {
    case 'packages':
      return packages.install(step.install);
    case 'user':
      return void (await runOk([
        ...['useradd', '--root', root, '--system', '--user-group', '--shell', '/usr/sbin/nologin'],
        ...['--home-dir', step.home ?? '/nonexistent', '--no-create-home', step.name],
      ]));
    case 'folder': {
      const { path, mode = 0o755, owner = 'root', group = owner } = step.wish;
      await mkdir(join(root, path), { recursive: true, mode });
      await setOwner(root, path, mode, owner, group);
      return;
    }
    case 'tree':
      for (const entry of step.lacks.entries) await putEntry(root, entry, false);
      return;
    case 'file':
      if (step.edited) await keepBeside(root, step.wish.path, step.before!);
      return putFile(root, step.wish);
    case 'enable':
      return void (await runOk(['systemctl', `--root=${root}`, 'enable', ...step.units]));
  }
}

export async function putFile(root: string, wish: FileWish): Promise<void> {
  const { path, text, mode = 0o644, owner = 'root', group = owner } = wish;
  await writeFileAtomic(join(root, path), text, mode);
  await setOwner(root, path, mode, owner, group);
}

async function setOwner(
  root: string,
  path: string,
  mode: number,
  owner: string,
  group: string,
): Promise<void> {
  const [users, groups] = await Promise.all([readIds(root, 'passwd'), readIds(root, 'group')]);
  const [uid, gid] = [users.ids.get(owner), groups.ids.get(group)];
  if (uid === undefined || gid === undefined)
    throw new ProloError('not-found', `file ${path}: the host has no ${owner}:${group}`);
  await chown(join(root, path), uid, gid);
  await chmod(join(root, path), mode); // a new owner takes bits away
}

async function keepBeside(root: string, path: string, before: FileState): Promise<void> {
  const kept = `${path}.before-prolo`;
  const isThere = await lstat(join(root, kept)).then(
    () => true,
    () => false,
  );
  await putFile(root, {
    ...before,
    path: isThere ? `${path}.before-prolo-${before.sha256.slice(0, 8)}` : kept,
  });
}

/** Puts the recipe's files back where its programs do not take them. */
async function checkFiles(
  { root, journal, run: begun }: ApplyOptions,
  { name, checks = [] }: Recipe,
  changed: readonly Extract<Change, { kind: 'file' }>[],
): Promise<void> {
  for (const check of checks) {
    const said = await refusal(root, check);
    if (said === undefined) continue;
    for (const { path, before } of changed) await putBack(root, path, before);
    begun.changes = begun.changes.filter((change) => change.kind !== 'file' || !changed.includes(change));
    await journal.write(begun);
    throw new ProloError('refused', `recipe ${name}: ${check.argv[0]}: ${said}`, {
      hint: 'its files are as they were before, and nothing was reloaded',
    });
  }
}

export async function putBack(root: string, path: string, before: FileState | null): Promise<void> {
  if (before) await putFile(root, { ...before, path });
  else await rm(join(root, path), { force: true });
}

async function refusal(root: string, { argv, ifPresent }: Check): Promise<string | undefined> {
  try {
    const { exitCode, stdout, stderr } = await runInRoot(root, argv, { timeoutMs: 120_000 });
    if (exitCode === 0 || (ifPresent && exitCode === 127)) return undefined;
    return (stderr.trim() || stdout.trim()).split('\n').slice(-3).join('; ') || `exit status ${exitCode}`;
  } catch (error) {
    if (ifPresent && error instanceof ProloError && error.kind === 'unavailable') return undefined;
    return (error as Error).message;
  }
}
