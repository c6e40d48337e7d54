/** A root filesystem that is to be made. */
export interface RootPlan {
  distribution: 'debian' | 'arch';
  suite: string;
  packages: readonly string[];
  /** Lines of sources.list, none: those of Debian itself; of Arch its mirrors. */
  sources: readonly string[];
  /** Where it is made. */
  tree: string;
}

/** The programs that make it, with the Debian package of each; pacstrap calls the others. */
export const MAKERS: Readonly<Record<RootPlan['distribution'], Record<string, string>>> = {
  debian: { mmdebstrap: 'mmdebstrap' },
  arch: {
    pacstrap: 'arch-install-scripts',
    pacman: 'pacman-package-manager',
    '/usr/share/makepkg/util/parseopts.sh': 'makepkg', // a library of pacman-key's, which Debian merely recommends
    gpg: 'gnupg',
  },
};

/** The call that fills `plan.tree`, a folder that may have files already. */
export function makeArgv(plan: RootPlan): string[] {
  return plan.distribution === 'arch' ? pacstrapArgv(plan) : mmdebstrapArgv(plan);
}

/** The call that finds out whether all packages exist and go together, and writes nothing; where there is such a call. */
export function simulateArgv(plan: RootPlan): string[] | undefined {
  if (plan.distribution === 'arch') return undefined;
  return ['mmdebstrap', '--simulate', '--format=null', ...common(plan), plan.suite, '-', ...plan.sources];
}

function mmdebstrapArgv(plan: RootPlan): string[] {
  const into = ['--verbose', '--format=directory', '--skip=check/empty'];
  return ['mmdebstrap', ...into, ...common(plan), plan.suite, plan.tree, ...plan.sources];
}

const common = ({ packages }: RootPlan): string[] => [
  '--mode=root',
  '--variant=minbase',
  '--components=main,non-free-firmware',
  `--include=${packages.join(',')}`,
];

/** Keys are made for the tree alone: those of the gateway's pacman are none of a PC's business. */
function pacstrapArgv({ tree, packages }: RootPlan): string[] {
  return ['pacstrap', '-C', pacmanConf(tree), '-K', '-M', tree, ...packages];
}

/** Where pacstrap's own pacman.conf is, beside the tree. */
export const pacmanConf = (tree: string): string => `${tree}.pacman.conf`;
