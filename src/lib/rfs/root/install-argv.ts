import type { Packages } from '../package-list.ts';
import type { PackageChange } from './packages-changed.ts';

/** What is asked of a distribution's packages. */
export interface Wish {
  action: 'install' | 'remove' | 'upgrade';
  packages: readonly string[];
}

export interface PackageCalls {
  /** Asks what there is. */
  refresh: string[];
  /** Says what it would do, and does nothing. */
  plan: string[];
  apply: string[];
}

const APT = ['apt-get', '--quiet', '--yes', '--no-install-recommends', '--option=Dpkg::Use-Pty=0'];
const PACMAN = ['pacman', '--noconfirm', '--noprogressbar'];

/** @param wish its packages' names begin with no dash */
export function aptCalls({ action, packages }: Wish): PackageCalls {
  const verbs = {
    install: ['install', ...packages],
    remove: ['purge', '--auto-remove', ...packages],
    upgrade: packages.length > 0 ? ['install', '--only-upgrade', ...packages] : ['dist-upgrade'],
  };
  const apply = [...APT, ...verbs[action]];
  return {
    refresh: ['apt-get', '--quiet', 'update', '--error-on=any'],
    plan: [...apply, '--simulate'],
    apply,
  };
}

/** Arch knows no upgrade of some packages: its packages of one day belong together. */
export function pacmanCalls({ action, packages }: Wish): PackageCalls {
  const verbs = {
    install: ['-S', '--needed', ...packages],
    remove: ['-Rns', ...packages],
    upgrade: ['-Su', ...packages],
  };
  const print = ['--print', '--print-format', '%n %v'];
  // It refuses to print what would become of configuration.
  const printed = action === 'remove' ? ['-Rs', ...packages] : verbs[action];
  return {
    refresh: [...PACMAN, '-Sy'],
    plan: [...PACMAN, ...printed, ...print],
    apply: [...PACMAN, ...verbs[action]],
  };
}

/** What `pacman --print` says that it would do. @param before what is installed */
export function readPacmanPlan(text: string, { action }: Wish, before: Packages): PackageChange[] {
  return [...text.matchAll(/^(\S+) (\S+)$/gm)].map(([, name = '', version]) =>
    action === 'remove'
      ? { name, from: version, to: undefined }
      : { name, from: before.get(name), to: version },
  );
}
