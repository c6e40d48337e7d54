import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProloError } from '../../errors.ts';
import type { Site } from '../../site/site.ts';
import { type Packages, parseDpkg, parsePacman } from '../package-list.ts';
import { mustHaveStaging, stagingOf, withStaging } from '../staging.ts';
import { runInTree, runLinesInTree } from './enter.ts';
import { readPhases } from './init-phases.ts';
import { aptCalls, pacmanCalls, readPacmanPlan, type Wish } from './install-argv.ts';
import { complaintOf } from './install-complaint.ts';
import { packageCaches } from './install-caches.ts';
import { checkPackage } from './packages.ts';
import { comparePackages, type PackageChange, readAptPlan } from './packages-changed.ts';

export interface InstallOptions {
  actor: string;
  dryRun: boolean;
  onStep: (what: string) => void;
}

/** What a package may ask is answered as it would itself; what it leaves in no list is not wanted. */
const ENV = { DEBIAN_FRONTEND: 'noninteractive' };

/** Of a pacman that was killed: here nobody else is at work. */
const PACMAN_LOCK = 'var/lib/pacman/db.lck';

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
  const complaint = (text: string): ProloError =>
    complaintOf(text.split('\n'), `staging ${stagingOf(site)}`, 'mend it by hand: `prolo rfs shell`');
  return withStaging(site, `${actor}: rfs install`, async (tree) => {
    if (arch) await rm(join(tree, PACMAN_LOCK), { force: true });
    if (wish.action !== 'remove') {
      onStep('asks for the lists of packages');
      // pacman's lock is in the tree, and not beside its lists.
      const { exitCode, stderr } = await runInTree(tree, calls.refresh, { ...inside, readOnly: !arch });
      if (exitCode !== 0) throw complaint(stderr);
    }
    const planned = await runInTree(tree, calls.plan, { ...inside, readOnly: true });
    if (planned.exitCode !== 0) throw complaint(planned.stderr);
    const before = await packagesOf(tree, arch);
    if (dryRun) return arch ? readPacmanPlan(planned.stdout, wish, before) : readAptPlan(planned.stdout);
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
    if (exitCode !== 0) throw complaint(said.join('\n'));
    return comparePackages(before, await packagesOf(tree, arch));
  });
}

async function packagesOf(tree: string, arch: boolean): Promise<Packages> {
  if (!arch) return parseDpkg(await readFile(join(tree, 'var/lib/dpkg/status'), 'utf8'));
  const folder = 'var/lib/pacman/local';
  return parsePacman((await readdir(join(tree, folder))).map((name) => `${folder}/${name}`));
}

/** What was downloaded, and is installed. */
async function dropArchives(site: Site): Promise<void> {
  const [[cache]] = packageCaches(site) as [[string, string]];
  for (const folder of [cache, join(cache, 'archives')])
    for (const name of await readdir(folder).catch(() => []))
      if (/\.deb$|\.pkg\.tar(\.\w+)?(\.sig)?$/.test(name)) await rm(join(folder, name), { force: true });
}
