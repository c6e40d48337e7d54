/** Versions of packages by their names. */
export type Packages = ReadonlyMap<string, string>;

export interface PackageChange {
  name: string;
  /** undefined: it was not there. */
  from: string | undefined;
  /** undefined: it is gone. */
  to: string | undefined;
}

/** What is installed, of dpkg's status file. */
export function readDpkgStatus(text: string): Packages {
  const packages = new Map<string, string>();
  for (const paragraph of text.split('\n\n')) {
    const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(paragraph)?.[1] ?? '';
    if (/ (installed|triggers-\w+)$/.test(field('Status'))) packages.set(field('Package'), field('Version'));
  }
  return packages;
}

/** What is installed, of the names of pacman's local database: `name-version-release`. */
export function readPacmanNames(names: readonly string[]): Packages {
  return new Map(
    names.flatMap((entry) => {
      const [, name, version] = /^(.+)-([^-]+-[^-]+)$/.exec(entry) ?? [];
      return name && version ? [[name, version] as const] : [];
    }),
  );
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
