import type { Packages } from '../package-list.ts';

export interface PackageChange {
  name: string;
  /** undefined: it was not there. */
  from: string | undefined;
  /** undefined: it is gone. */
  to: string | undefined;
}

/** What became of packages, by name. */
export function comparePackages(before: Packages, after: Packages): PackageChange[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((name) => ({ name, from: before.get(name), to: after.get(name) }))
    .filter(({ from, to }) => from !== to)
    .sort((a, b) => a.name.localeCompare(b.name, 'en'));
}

/** What `apt-get --simulate` says that it would do. */
export function readAptPlan(text: string): PackageChange[] {
  return [...text.matchAll(/^(Inst|Remv|Purg) (\S+)(?: \[([^\]]*)\])?(?: \((\S+))?/gm)]
    .map(([, verb, name = '', from, to]) => ({
      name,
      from,
      to: verb === 'Inst' ? to : undefined,
    }))
    .sort((a, b) => a.name.localeCompare(b.name, 'en'));
}

/** `+ name 1.2`, `- name 1.2`, `~ name 1.2 -> 1.3` */
export function changeText({ name, from, to }: PackageChange): string {
  if (from === undefined) return `+ ${name} ${to}`;
  return to === undefined ? `- ${name} ${from}` : `~ ${name} ${from} -> ${to}`;
}
