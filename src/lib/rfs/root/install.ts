import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ProloError } from '../../errors.ts';
import type { Site } from '../../site/site.ts';
import { mustHaveStaging, withStaging } from '../staging.ts';
import { runInTree, runLinesInTree } from './enter.ts';
import { readPhases } from './init-phases.ts';
import { aptCalls, pacmanCalls, readPacmanPlan, type Wish } from './install-argv.ts';
import { packageCaches } from './install-caches.ts';
import { checkPackage } from './packages.ts';
import {
  comparePackages,
  type PackageChange,
  type Packages,
  readAptPlan,
  readDpkgStatus,
  readPacmanNames,
} from './packages-changed.ts';

export interface InstallOptions {
  actor: string;
  dryRun: boolean;
  onStep: (what: string) => void;
}

/** What a package may ask is answered as it would itself; what it leaves in no list is not wanted. */
const ENV = { DEBIAN_FRONTEND: 'noninteractive' };

/**
 * Packages into staging, out of it, or newer ones.
 * @returns what has changed, or would
 * @throws ProloError `bad-input`, `not-found` for packages; `refused` when they cannot be installed together
 */
export function installPackages(
  site: Site,
  wish: Wish,
  { actor, dryRun, onStep }: InstallOptions,
): Promise<PackageChange[]> {
  for (const word of wish.packages) checkPackage(word, 'rfs install', 'bad-input');
  mustHaveStaging(site);
  const arch = site.config.rfs.distribution === 'arch';
  const calls = arch ? pacmanCalls(wish) : aptCalls(wish);
  const inside = { binds: packageCaches(site), env: ENV };
  return withStaging(site, `${actor}: rfs install`, async (tree) => {
    if (wish.action !== 'remove') {
      onStep('asks for the lists of packages');
      const { exitCode, stderr } = await runInTree(tree, calls.refresh, { ...inside, readOnly: true });
      if (exitCode !== 0) throw complaintOf(stderr, tree);
    }
    const planned = await runInTree(tree, calls.plan, { ...inside, readOnly: true });
    if (planned.exitCode !== 0) throw complaintOf(planned.stderr, tree);
    if (dryRun) return arch ? readPacmanPlan(planned.stdout, wish) : readAptPlan(planned.stdout);
    const before = await packagesOf(tree, arch);
    const phases = readPhases();
    const said: string[] = [];
    const exitCode = await runLinesInTree(
      tree,
      calls.apply,
      (line) => {
        said.push(line);
        const news = phases.take(line);
        if (news !== undefined) onStep(news);
      },
      inside,
    );
    await dropArchives(site);
    if (exitCode !== 0) throw complaintOf(said.join('\n'), tree);
    return comparePackages(before, await packagesOf(tree, arch));
  });
}

async function packagesOf(tree: string, arch: boolean): Promise<Packages> {
  return arch
    ? readPacmanNames(await readdir(join(tree, 'var/lib/pacman/local')))
    : readDpkgStatus(await readFile(join(tree, 'var/lib/dpkg/status'), 'utf8'));
}

/** What was downloaded, and is installed. */
async function dropArchives(site: Site): Promise<void> {
  const [[cache]] = packageCaches(site) as [[string, string]];
  for (const folder of [cache, join(cache, 'archives')])
    for (const name of await readdir(folder).catch(() => []))
      if (/\.deb$|\.pkg\.tar(\.\w+)?(\.sig)?$/.test(name)) await rm(join(folder, name), { force: true });
}

/** A package manager's words as an error of ours. */
export function complaintOf(text: string, tree: string): ProloError {
  const lines = text.split('\n').map((line) => line.trim());
  const errors = lines.flatMap((line) => /^(?:E: |error: |dpkg: error )(.*)/.exec(line)?.[1] ?? []);
  const words = [...new Set(errors)].slice(0, 5).join('; ') || lines.filter(Boolean).slice(-3).join('; ');
  const message = `staging ${tree}: ${words}`;
  if (
    /unable to locate package|target not found|has no installation candidate|version .* was not found/i.test(
      words,
    )
  )
    return new ProloError('not-found', message, {
      hint: 'is its name right? `prolo rfs shell -- apt-cache search WORD`',
    });
  if (/no space left|(not|have) enough free (disk )?space/i.test(words))
    return new ProloError('full', message, { hint: 'free some space, then run it again' });
  if (/failed to fetch|temporary failure|could not resolve|failed retrieving/i.test(words))
    return new ProloError('unavailable', message, { hint: 'does this host reach the mirror?' });
  if (/held broken packages|unmet dependencies|conflict/i.test(words))
    return new ProloError('refused', `${message}${unmet(lines)}`, { hint: 'nothing was changed' });
  return new ProloError('failed', message, { hint: 'mend it by hand: `prolo rfs shell`' });
}

/** apt says above its error what needs what. */
function unmet(lines: readonly string[]): string {
  const needs = lines.filter((line) => /: (Depends|Conflicts|Breaks|PreDepends): /.test(line));
  return needs.length > 0 ? ` (${needs.slice(0, 5).join('; ')})` : '';
}
