/** What apt is asked for its sources, a line each. */
export const TARGETS_ARGV = [
  'apt-get',
  'indextargets',
  '--format',
  '$(REPO_URI) $(RELEASE) $(COMPONENT)',
  'Created-By: Packages',
] as const;

/** Where the firmware of network cards and screens is, since Debian 12. */
const FIRMWARE = 'non-free-firmware';

/** Those of the gateway's sources that are of this release (its updates and security fixes too), as lines of sources.list. */
export function sourcesOf(targets: string, suite: string): string[] {
  const components = new Map<string, Set<string>>();
  for (const line of targets.split('\n')) {
    const [uri, release, component] = line.split(' ');
    if (!uri || !release || !component) continue;
    if (release !== suite && !release.startsWith(`${suite}-`)) continue;
    const key = `${uri} ${release}`;
    components.set(key, (components.get(key) ?? new Set()).add(component));
  }
  return [...components].map(([key, names]) => {
    if (isDebian(key.split(' ')[0]!)) names.add(FIRMWARE);
    return `deb ${key} ${[...names].join(' ')}`;
  });
}

/** Of the mirror that a site names. */
export const sourceOfMirror = (mirror: string, suite: string): string =>
  `deb ${mirror} ${suite} main ${FIRMWARE}`;

const isDebian = (uri: string): boolean => /\/debian(-security)?\/?$/.test(uri);

/** A site's mirror of Arch, as pacman's mirrorlist has it. */
export const sourceOfArch = (mirror: string): string =>
  `Server = ${mirror.replace(/\/$/, '')}/$repo/os/$arch`;

/** The mirrors that a gateway which is Arch itself takes its own packages from. @param mirrorlist of pacman */
export const sourcesOfArch = (mirrorlist: string): string[] =>
  mirrorlist.split('\n').filter((line) => /^Server\s*=\s*\S/.test(line));
