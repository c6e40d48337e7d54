import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProloError } from '../errors.ts';
import { run, runOk } from '../exec.ts';
import { putEntry } from '../rfs/root/tree-entry.ts';
import { renderTemplate } from '../template.ts';
import { call, type Log, openLog } from './call.ts';
import { copyProlo } from './copy-prolo.ts';
import { type BlockDevice, descendants } from './disk.ts';
import { holds, judgeDisks, TARGET, takeDownArgv, type Verdict } from './judge.ts';
import { readPlaces } from './known-disks.ts';
import { checkHost, lookAt, readDisks } from './look.ts';
import { type BootstrapOptions, type Ids, markOf } from './options.ts';
import { PACMAN_CONF } from './packages.ts';
import { note, readNotes } from './notes.ts';
import { bringUpArgv, DONE_FILE, peekArgv, planBootstrap } from './plan.ts';
import type { Action, Step } from './step.ts';

export interface Planned {
  disks: readonly BlockDevice[];
  verdict: Verdict;
  steps: Step[];
  /** What is lost. */
  holds: string[];
}

/**
 * What would be done with these disks. @param erase those that may lose what they hold
 * @throws ProloError where that may not be
 */
export async function plan(
  paths: readonly string[],
  erase: readonly string[],
  options: BootstrapOptions,
): Promise<Planned> {
  checkHost(options);
  const candidates = await lookAt(paths, erase);
  if (candidates.length < 2)
    throw new ProloError('bad-input', 'bootstrap: a mirror is of two disks, or more', {
      hint: '`lsblk` shows what there is',
    });
  const disks = candidates.map(({ disk }) => disk);
  const verdict = judgeDisks(candidates, markOf(options), await readDisks());
  await refuseOtherGroup(options.host, disks);
  const lost = candidates.flatMap((one) =>
    holds(one).map((text) => `${one.disk.path}: ${text}: will be lost`),
  );
  return {
    ...{ disks, verdict, holds: verdict === 'half' ? [] : lost },
    steps: planBootstrap(disks, options, newIds(disks.length), readPlaces()),
  };
}

/** Two volume groups of one name in one machine are a trap for whoever mends it; and a group's name is one of /dev, too. */
async function refuseOtherGroup(host: string, disks: readonly BlockDevice[]): Promise<void> {
  const ours = new Set(
    disks.flatMap((disk) => [disk, ...descendants(disk)]).map(({ path }) => realpathSync(path)),
  );
  const { stdout } = await run(['vgs', '--noheadings', '--options', 'vg_name,pv_name']);
  const groups = stdout.split('\n').map((line) => line.trim().split(/\s+/));
  if (existsSync(`/dev/${host}`) && !groups.some(([name]) => name === host))
    throw new ProloError('conflict', `volume group ${host}: /dev/${host} is something else`, {
      hint: 'another --host: the volume group has its name',
    });
  for (const [name, volume = ''] of groups) {
    if (name !== host || (existsSync(volume) && ours.has(realpathSync(volume)))) continue;
    throw new ProloError('conflict', `volume group ${host}: is on ${volume} already`, {
      hint: `another --host, or take that disk out, or \`vgrename ${host} NAME\``,
    });
  }
}

export interface BootstrapRun {
  disks: readonly BlockDevice[];
  options: BootstrapOptions;
  verdict: Verdict;
  onStep: (what: string) => void;
}

export interface Bootstrapped {
  steps: string[];
  /** Those that an earlier run had done. */
  skipped: string[];
}

export function newIds(count: number): Ids {
  const array = randomBytes(16).toString('hex').match(/.{8}/g)!.join(':');
  return { array, esps: Array.from({ length: count }, () => randomUUID()) };
}

/** Makes a server of disks, or goes on where an earlier run was broken off. */
export async function bootstrap({ disks, options, verdict, onStep }: BootstrapRun): Promise<Bootstrapped> {
  await takeDown(disks.map(({ path }) => path));
  const earlier = verdict === 'half' ? await lookIntoHalf(disks, options) : undefined;
  const ids = earlier?.ids ?? newIds(disks.length);
  const now = await freshly(disks);
  const steps = planBootstrap(now, options, ids, readPlaces());
  const skipped = new Set(
    steps
      .filter(({ name, when }) =>
        earlier ? when === 'disks' || (when === 'system' && earlier.done.includes(name)) : false,
      )
      .map(({ name }) => name),
  );
  if (options.distribution === 'arch' && options.sources.length > 0)
    await writeFile(PACMAN_CONF, renderTemplate('rfs/profiles/arch/pacman.conf', options));
  const log = openLog();
  try {
    for (const [index, step] of steps.entries()) {
      const say = (what: string): void => onStep(`${index + 1}/${steps.length} ${step.name}: ${what}`);
      if (skipped.has(step.name)) {
        say('done before');
        continue;
      }
      say(step.what);
      if (step.name === 'base') await emptyTarget(options, disks.length);
      for (const action of step.actions) await act(action, step, log, say);
      if (step.name === 'mount' && !earlier) await note({ ids });
      if (step.when === 'system') await note({ done: step.name });
    }
  } finally {
    await log.end();
  }
  return { steps: steps.map(({ name }) => name), skipped: [...skipped] };
}

/** The same disks, with what is on them now. */
async function freshly(disks: readonly BlockDevice[]): Promise<BlockDevice[]> {
  const all = await readDisks();
  return disks.map(({ path }) => all.find((disk) => disk.path === path)!);
}

/** What an earlier run, or the live system, has brought up of them. */
async function takeDown(paths: readonly string[]): Promise<void> {
  if ((await run(['findmnt', '--mountpoint', TARGET])).exitCode === 0)
    await patiently(['umount', '--recursive', TARGET]);
  const disks = (await readDisks()).filter(({ path }) => paths.includes(path));
  for (const argv of takeDownArgv(disks)) await patiently(argv);
}

/** What a killed run had started ends a moment after it, and has its folders in use until then. */
async function patiently(argv: readonly string[], tries = 20): Promise<void> {
  for (let left = tries; (await run(argv)).exitCode !== 0; left--) {
    if (left === 0) return void (await runOk(argv));
    await sleep(500);
  }
}

/** Undefined where nothing of it is worth going on with: then all begins anew. */
async function lookIntoHalf(
  disks: readonly BlockDevice[],
  options: BootstrapOptions,
): Promise<{ ids: Ids; done: string[] } | undefined> {
  for (const argv of bringUpArgv(disks, options)) if ((await run(argv)).exitCode !== 0) return undefined;
  if ((await run(peekArgv(options))).exitCode !== 0) return undefined;
  const notes = await readNotes();
  await runOk(['umount', TARGET]);
  return notes;
}

/** What a run that was broken off has unpacked. What is mounted below stays, and is empty. */
async function emptyTarget({ volumes }: BootstrapOptions, disks: number): Promise<void> {
  const kept = new Set(['lost+found', DONE_FILE.slice(1)]);
  const mounts = new Set(volumes.map(({ mount }) => mount.split('/')[1]!));
  if (disks > 0) mounts.add('boot');
  for (const name of await readdir(TARGET)) {
    if (kept.has(name)) continue;
    const path = join(TARGET, name);
    const argv = mounts.has(name)
      ? ['find', path, '-xdev', '-mindepth', '1', '!', '-type', 'd', '-delete']
      : ['rm', '-rf', '--one-file-system', '--', path];
    await runOk(argv, { timeoutMs: 600_000 });
  }
}

async function act(action: Action, step: Step, log: Log, say: (what: string) => void): Promise<void> {
  if ('file' in action) {
    const { path, text, mode } = action.file;
    await putEntry(
      TARGET,
      { path: path.slice(1), data: text, ...(mode === undefined ? {} : { mode }) },
      false,
    );
  } else if ('link' in action) {
    await putEntry(TARGET, { path: action.link.slice(1), link: action.to }, false);
  } else if ('prolo' in action) {
    await copyProlo(TARGET);
  } else await call(action, step.name, log, say);
}
