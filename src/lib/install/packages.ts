import type { ProloError } from '../errors.ts';
import { complaintOf } from '../rfs/root/install-complaint.ts';
import { runInRoot } from './in-root.ts';
import type { Distribution } from './recipe.ts';

const OPTIONS = { timeoutMs: 3600_000, env: { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' } };

interface PackageCalls {
  /** A host that was just made has no lists. */
  refresh: string[];
  /** Completes what was broken off half-way, by a power cut or a kill; nothing where nothing was. */
  mend: string[] | undefined;
  install: string[];
}

export interface PackageManager {
  /** @throws ProloError `unavailable` where no mirror answers or another package manager is at work, `not-found`, `full`, `refused` */
  install(packages: readonly string[]): Promise<void>;
}

export function packageCalls(distribution: Distribution, packages: readonly string[]): PackageCalls {
  return distribution === 'debian'
    ? {
        refresh: ['apt-get', 'update', '-q', '--error-on=any'],
        mend: ['dpkg', '--force-confold', '--configure', '-a'],
        install: ['apt-get', 'install', '-q', '-y', '--no-install-recommends', ...packages],
      }
    : {
        refresh: ['pacman', '-Sy', '--noconfirm'],
        mend: undefined,
        install: ['pacman', '-S', '--noconfirm', '--needed', ...packages],
      };
}

/** The package manager of the host whose root folder this is; it asks for its lists once. */
export function packageManager(root: string, distribution: Distribution): PackageManager {
  let refreshed: Promise<ProloError | undefined> | undefined;
  const complaint = async (argv: readonly string[], what: string): Promise<ProloError | undefined> => {
    const { exitCode, stdout, stderr } = await runInRoot(root, argv, OPTIONS);
    const hint = `try it by hand: ${argv.join(' ')}`;
    return exitCode === 0 ? undefined : complaintOf(`${stdout}\n${stderr}`.split('\n'), what, hint);
  };
  return {
    async install(packages) {
      const { refresh, mend, install } = packageCalls(distribution, packages);
      // Without a mirror, what is here already may do: a server at a contest has no internet.
      const unrefreshed = await (refreshed ??= complaint(refresh, `packages: ${refresh[0]}`));
      const unmended = mend && (await complaint(mend, 'packages: dpkg'));
      if (unmended) throw unmended;
      const missing = await complaint(install, `packages ${packages.join(' ')}`);
      if (missing) throw missing.kind === 'not-found' && unrefreshed ? unrefreshed : missing;
    },
  };
}
