import { createWriteStream, existsSync } from 'node:fs';
import { lstat, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asProloError, ProloError } from '../../errors.ts';
import { run, runLines, runOk } from '../../exec.ts';
import { missingPackages } from '../../lab/packages.ts';
import type { Site } from '../../site/site.ts';
import { asideOf, stagingOf, withStaging } from '../staging.ts';
import { configureRoot } from './configure.ts';
import { leashed } from './enter-leash.ts';
import { cleanRoot } from './init-clean.ts';
import { readPhases } from './init-phases.ts';
import { finishArch } from './init-arch.ts';
import { makeArgv, MAKERS, pacmanConf, type RootPlan, simulateArgv } from './init-plan.ts';
import { plantSeed } from './init-seed.ts';
import { complaintOf } from './install-complaint.ts';
import { sourceOfArch, sourceOfMirror, sourcesOf, sourcesOfArch, TARGETS_ARGV } from './init-sources.ts';
import { choosePackages } from './packages.ts';
import { readProfiles } from './profiles.ts';

export interface InitOptions {
  actor: string;
  onStep: (what: string) => void;
}

const MIRRORLIST = '/etc/pacman.d/mirrorlist';

/** What `initRoot` would make. @param profiles in place of the site's */
export async function planInit(site: Site, profiles?: readonly string[]): Promise<RootPlan> {
  const { distribution, suite, mirror } = site.config.rfs;
  const packages = choosePackages(await readProfiles(site, profiles ?? site.config.rfs.profiles));
  const tree = `${stagingOf(site)}.new`;
  const sources = await sourcesFor(distribution, suite, mirror);
  return { distribution, suite, packages, tree, sources };
}

async function sourcesFor(
  distribution: RootPlan['distribution'],
  suite: string,
  mirror: string | undefined,
): Promise<string[]> {
  if (distribution === 'arch') return mirror === undefined ? ownMirrors() : [sourceOfArch(mirror)];
  if (mirror !== undefined) return [sourceOfMirror(mirror, suite)];
  const targets = await run(TARGETS_ARGV).catch(() => undefined);
  return sourcesOf(targets?.stdout ?? '', suite);
}

async function ownMirrors(): Promise<string[]> {
  const mirrors = sourcesOfArch(await readFile(MIRRORLIST, 'utf8').catch(() => ''));
  if (mirrors.length > 0) return mirrors;
  throw new ProloError(
    'config',
    `rfs.mirror: not set, and ${MIRRORLIST} of this gateway names no mirror of Arch`,
    {
      hint: 'name one in prolo.yml, as `rfs: { distribution: arch, mirror: http://mirror.lan/arch }`',
    },
  );
}

/**
 * Makes staging of packages, in place of the one that is there: it is made beside it, and takes its place once it is whole. Then it
 * gets what a machine of the site needs.
 */
export async function initRoot(site: Site, plan: RootPlan, { actor, onStep }: InitOptions): Promise<void> {
  checkInitHost(plan);
  await withStaging(site, `${actor}: rfs init`, async (staging) => {
    await removeTree(plan.tree);
    await mkdir(dirname(plan.tree), { recursive: true });
    try {
      await fill(plan, `${staging}.log`, onStep);
      if (plan.distribution === 'arch') await finishArch(plan);
      await cleanRoot(plan.tree);
      await runOk(['sync', '-f', plan.tree], { timeoutMs: 600_000 });
    } catch (error) {
      await removeTree(plan.tree);
      throw error;
    }
    await replaceTree(staging, plan.tree);
    onStep('gets what a machine of this site needs');
    await configureRoot(site, staging).catch((error: unknown) => {
      const { kind, message, hint } = asProloError(error);
      throw new ProloError(kind, `staging: made, but not yet what this site needs: ${message}`, {
        hint: `${hint ? `${hint}; ` : ''}then \`prolo rfs configure\``,
        cause: error,
      });
    });
  });
}

/** @throws ProloError `unavailable`, `forbidden` where none can be made */
export function checkInitHost({ distribution }: RootPlan): void {
  const missing = missingPackages(MAKERS[distribution]);
  if (missing.length > 0)
    throw new ProloError('unavailable', `rfs init: not installed here: ${missing.join(', ')}`, {
      hint: `apt-get install --no-install-recommends ${missing.join(' ')}`,
    });
  if (process.getuid?.() !== 0)
    throw new ProloError('forbidden', 'rfs init: only root can make a root filesystem', {
      hint: 'run it with sudo',
    });
}

async function fill(plan: RootPlan, logFile: string, onStep: (what: string) => void): Promise<void> {
  const log = createWriteStream(logFile, { mode: 0o640 });
  log.on('error', () => undefined); // a full disk, which the program that fills it speaks of
  const call = async (argv: readonly string[], say: (what: string) => void): Promise<void> => {
    const phases = readPhases();
    const onLine = (line: string): void => {
      log.write(`${line}\n`);
      const news = phases.take(line);
      if (news !== undefined) say(news);
    };
    if ((await runLines(leashed(argv), onLine, { env: ENV })) === 0) return;
    throw complaintOf(phases.complaints(), `staging: ${argv[0]}`, `all that it said is in ${logFile}`);
  };
  try {
    const simulate = simulateArgv(plan);
    if (simulate) {
      onStep('looks whether there are all packages, and go together');
      await call(simulate, () => undefined);
    }
    await plantSeed(plan);
    await call(makeArgv(plan), onStep);
  } finally {
    await new Promise((resolve) => log.end(resolve));
    await rm(pacmanConf(plan.tree), { force: true });
  }
}

/** Nothing is asked, no initramfs is made that nobody boots, and what is said is what our rules know. */
const ENV = { DEBIAN_FRONTEND: 'noninteractive', INITRD: 'No', LC_ALL: 'C.UTF-8' };

/** Whoever looks sees the one or the other; broken off between the two, `restoreTree` goes back. */
async function replaceTree(staging: string, made: string): Promise<void> {
  const old = asideOf(staging);
  await removeTree(old);
  if (existsSync(staging)) await rename(staging, old);
  await rename(made, staging);
  await removeTree(old);
}

/** What is mounted in it is somebody's, and stays. */
async function removeTree(tree: string): Promise<void> {
  if (!(await lstat(tree).catch(() => undefined))) return;
  await runOk(['rm', '-rf', '--one-file-system', '--', tree], { timeoutMs: 600_000 });
}
