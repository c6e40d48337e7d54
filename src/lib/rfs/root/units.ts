import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { inside } from '../inside.ts';
import { placeOf, type TreeEntry } from './tree-entry.ts';

const FOLDERS = ['etc/systemd/system', 'usr/lib/systemd/system'];

export interface Unit {
  /** Below the tree. */
  path: string;
  data: string;
}

/** What `[Install]` of a unit asks for. */
export interface Install {
  /** Names of links below /etc/systemd/system: `multi-user.target.wants/a.service`. */
  links: string[];
  /** Units that go with it. */
  also: string[];
}

export function readInstall(unit: string, text: string): Install {
  const links: string[] = [];
  const also: string[] = [];
  let section = '';
  for (const line of text.split('\n')) {
    section = /^\[(.+)\]\s*$/.exec(line)?.[1] ?? section;
    const [, key = '', value = ''] = /^(\w+)\s*=(.*)$/.exec(line) ?? [];
    if (section !== 'Install') continue;
    const names = value.trim().split(/\s+/).filter(Boolean);
    if (key === 'WantedBy') links.push(...names.map((name) => `${name}.wants/${unit}`));
    else if (key === 'RequiredBy') links.push(...names.map((name) => `${name}.requires/${unit}`));
    else if (key === 'Alias') links.push(...names);
    else if (key === 'Also') also.push(...names);
  }
  return { links, also };
}

/**
 * The links that `systemctl enable` makes. Those that are there stay as they are, wherever they lead: packages spell the same
 * place in several ways.
 * @param own those that the tree may not have yet
 */
export function enableUnits(tree: string, names: readonly string[], own: readonly Unit[]): TreeEntry[] {
  const entries: TreeEntry[] = [];
  const done = new Set<string>();
  const enable = (name: string): void => {
    const unit = own.find(({ path }) => basename(path) === name) ?? readUnit(tree, name);
    if (done.has(name) || !unit) return;
    done.add(name);
    const { links, also } = readInstall(name, unit.data);
    for (const path of links.map((link) => `etc/systemd/system/${link}`))
      if (!isLink(tree, path)) entries.push({ path, link: `/${unit.path}` });
    also.forEach(enable);
  };
  names.forEach(enable);
  return entries;
}

/** Undefined where no package of the tree has it. */
function readUnit(tree: string, name: string): Unit | undefined {
  const path = FOLDERS.map((folder) => `${folder}/${name}`).find((one) => existsSync(inside(tree, one)));
  return path === undefined ? undefined : { path, data: readFileSync(inside(tree, path), 'utf8') };
}

function isLink(tree: string, path: string): boolean {
  return lstatSync(placeOf(tree, path), { throwIfNoEntry: false })?.isSymbolicLink() === true;
}
