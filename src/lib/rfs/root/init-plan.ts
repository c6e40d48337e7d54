import { ProloError } from '../../errors.ts';

/** A root filesystem that is to be made. */
export interface RootPlan {
  distribution: 'debian' | 'arch';
  suite: string;
  packages: readonly string[];
  /** Lines of sources.list; none: those of Debian itself. */
  sources: readonly string[];
  /** Where it is made. */
  tree: string;
}

/** The program that makes it, and what to install where it is not. */
export const MAKERS = {
  debian: { program: 'mmdebstrap', packages: ['mmdebstrap'] },
  arch: {
    program: 'pacstrap',
    packages: ['arch-install-scripts', 'pacman-package-manager', 'archlinux-keyring'],
  },
} as const;

/** The call that fills `plan.tree`, a folder that may have files already. */
export function makeArgv(plan: RootPlan): string[] {
  if (plan.distribution === 'arch') throw new ProloError('unavailable', 'rfs init: arch is not made yet');
  return [
    'mmdebstrap',
    '--verbose',
    '--mode=root',
    '--format=directory',
    '--variant=minbase',
    '--skip=check/empty',
    '--components=main,non-free-firmware',
    `--include=${plan.packages.join(',')}`,
    plan.suite,
    plan.tree,
    ...plan.sources,
  ];
}
