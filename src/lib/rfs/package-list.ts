/** Packages by name, with the version of each; of a second architecture as `name:arch`. */
export type Packages = Map<string, string>;

export interface PackageDiff {
  added: { name: string; version: string }[];
  removed: { name: string; version: string }[];
  upgraded: { name: string; from: string; to: string }[];
  downgraded: { name: string; from: string; to: string }[];
}

/** Those that are installed, also where a trigger of another one has still to run. @param status /var/lib/dpkg/status */
export function parseDpkg(status: string): Packages {
  const found: { name: string; arch: string; version: string }[] = [];
  for (const paragraph of status.split('\n\n')) {
    const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(paragraph)?.[1] ?? '';
    if (!/ (installed|triggers-\w+)$/.test(field('Status'))) continue;
    found.push({ name: field('Package'), arch: field('Architecture'), version: field('Version') });
  }
  const packages: Packages = new Map();
  for (const { name, arch, version } of found)
    packages.set(packages.has(name) ? `${name}:${arch}` : name, version);
  return packages;
}

/** @param paths of a tree: pacman has a folder a package, `name-version-release`. */
export function parsePacman(paths: Iterable<string>): Packages {
  const packages: Packages = new Map();
  for (const path of paths) {
    const [, name, version] = /^var\/lib\/pacman\/local\/([^/]+)-([^/-]+-[^/-]+)$/.exec(path) ?? [];
    if (name !== undefined) packages.set(name, version!);
  }
  return packages;
}

export function diffPackages(from: Packages, to: Packages): PackageDiff {
  const diff: PackageDiff = { added: [], removed: [], upgraded: [], downgraded: [] };
  for (const name of [...new Set([...from.keys(), ...to.keys()])].sort()) {
    const [before, after] = [from.get(name), to.get(name)];
    if (before === after) continue;
    if (before === undefined) diff.added.push({ name, version: after! });
    else if (after === undefined) diff.removed.push({ name, version: before });
    else
      diff[compareVersions(before, after) < 0 ? 'upgraded' : 'downgraded'].push({
        name,
        from: before,
        to: after,
      });
  }
  return diff;
}

/** As Debian's policy orders them: `epoch:upstream-revision`; `~` comes before everything, the end too. */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [split(a), split(b)];
  return x.epoch - y.epoch || compareParts(x.upstream, y.upstream) || compareParts(x.revision, y.revision);
}

function split(version: string): { epoch: number; upstream: string; revision: string } {
  const [, epoch = '0', rest = ''] = /^(?:(\d+):)?(.*)$/s.exec(version)!;
  const dash = rest.lastIndexOf('-');
  return dash < 0
    ? { epoch: Number(epoch), upstream: rest, revision: '' }
    : { epoch: Number(epoch), upstream: rest.slice(0, dash), revision: rest.slice(dash + 1) };
}

function compareParts(a: string, b: string): number {
  const [x, y] = [a.match(/\d+|\D+/g) ?? [], b.match(/\d+|\D+/g) ?? []].map((parts) =>
    /^\d/.test(parts[0] ?? '') ? ['', ...parts] : parts,
  ) as [string[], string[]];
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const [p, q] = [x[i] ?? '', y[i] ?? ''];
    const order = i % 2 === 0 ? compareTexts(p, q) : Number(p || 0) - Number(q || 0);
    if (order !== 0) return order;
  }
  return 0;
}

function compareTexts(a: string, b: string): number {
  const weight = (char: string | undefined): number =>
    char === undefined
      ? 0
      : char === '~'
        ? -1
        : /[a-z]/i.test(char)
          ? char.charCodeAt(0)
          : char.charCodeAt(0) + 256;
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const order = weight(a[i]) - weight(b[i]);
    if (order !== 0) return order;
  }
  return 0;
}
