import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ProloError } from '../../errors.ts';
import { run } from '../../exec.ts';
import { packageRoot } from '../../package-root.ts';
import { PROLO, proloEntries } from '../../prolo-tree.ts';
import { exportTexts } from '../../site/export.ts';
import type { Site } from '../../site/site.ts';
import { inside } from '../inside.ts';
import { ageConsoleSettings } from './console-caches.ts';
import { hostKeyEntries } from './host-keys.ts';
import { pamEntries } from './pam.ts';
import { homeRanges, plainEntries, settingEntries, withLocalhost } from './settings.ts';
import { putEntry, type TreeEntry } from './tree-entry.ts';
import { enableUnits } from './units.ts';

export interface ConfigureOptions {
  /** Says what would change, and changes nothing. */
  dryRun?: boolean;
}

const OWN_UNITS = ['prolo-presenced.service', 'prolo-passwd.service', 'prolo-rootssh.service'];
/** Of packages; those that a tree has. */
const WANTED_UNITS = ['systemd-networkd.service', 'systemd-timesyncd.service'];

/**
 * Puts into a tree what a machine of this site needs, and writes only what differs: done twice, it changes nothing; broken off, the
 * next time completes it.
 * @returns what has changed, as paths below the tree
 * @throws ProloError `not-found` where there is no tree, or it lacks what prolo's Node needs
 */
export async function configureRoot(
  site: Site,
  tree: string,
  { dryRun = false }: ConfigureOptions = {},
): Promise<string[]> {
  if (!existsSync(join(tree, 'etc')))
    throw new ProloError('not-found', `staging ${tree}: no root filesystem there`, {
      hint: 'make one: `prolo rfs init`',
    });
  const changed: string[] = [];
  for (const entry of await seatEntries(site, tree))
    if (await putEntry(tree, entry, dryRun)) changed.push(entry.path);
  changed.push(...(await ageConsoleSettings(tree, dryRun)));
  if (!dryRun) await checkNode(tree);
  return changed;
}

/** All that a tree should have, whether it has it or not. */
export async function seatEntries(site: Site, tree: string): Promise<TreeEntry[]> {
  const { config } = site;
  const texts = await exportTexts(site, 'pc');
  const settings = settingEntries(config).filter(
    ({ path }) => !path.startsWith('etc/ssh/') || existsSync(inside(tree, 'etc/ssh')),
  );
  const units = [...OWN_UNITS.flatMap(ownUnit), ...settings.filter(({ path }) => isUnit(path))];
  const hosts = inside(tree, 'etc/hosts');
  return [
    ...proloEntries(tree, 'pc'),
    { path: 'etc/prolo/secrets.yml', data: texts['secrets.yml'], mode: 0o600 },
    ...plainEntries(config),
    { path: 'etc/hosts', data: withLocalhost(existsSync(hosts) ? readFileSync(hosts, 'utf8') : '') },
    ...settings,
    ...units.filter((unit) => !settings.includes(unit)),
    ...hostKeyEntries(site, tree),
    ...pamEntries(tree, { socket: config.presence.socket, uids: homeRanges(config) }),
    ...enableUnits(tree, [...units.map(({ path }) => basename(path)), ...WANTED_UNITS, sshdOf(tree)], units),
    // Last: where it is, the rest is too, which `mustHaveProlo` goes by.
    { path: 'etc/prolo/prolo.yml', data: texts['prolo.yml'] },
  ];
}

function ownUnit(name: string): { path: string; data: string }[] {
  const file = join(packageRoot, 'templates/systemd', name);
  return existsSync(file)
    ? [{ path: `usr/lib/systemd/system/${name}`, data: readFileSync(file, 'utf8') }]
    : [];
}

/** Debian's name, which has `sshd` as an alias, or the name that others have. */
const sshdOf = (tree: string): string =>
  existsSync(inside(tree, 'usr/lib/systemd/system/ssh.service')) ? 'ssh.service' : 'sshd.service';

const isUnit = (path: string): boolean =>
  ['usr/lib/systemd/system', 'etc/systemd/system'].includes(dirname(path));

/** The gateway's Node is of the gateway's distribution: it runs where the tree has its libraries, and not older ones. */
async function checkNode(tree: string): Promise<void> {
  const { exitCode, stderr } = await run(['chroot', tree, `/${PROLO}/node`, '--version']);
  if (exitCode === 0) return;
  throw new ProloError('not-found', `staging ${tree}: prolo's Node does not run in it: ${stderr.trim()}`, {
    hint: 'install what it needs (`prolo rfs install libstdc++6`); a tree that is older than the gateway needs a Node of its own time',
  });
}
