import type { Site } from '../../site/site.ts';
import { mustHaveStaging, withStaging } from '../staging.ts';
import { attachInTree } from './enter.ts';
import { packageCaches } from './install-caches.ts';

/**
 * A shell, or a command, with staging as its root, while nobody else works there.
 * @param command one word is a command line for a shell there; several are a command and its arguments; none: a shell
 * @returns its exit status
 */
export function shellInStaging(site: Site, actor: string, command: readonly string[]): Promise<number> {
  mustHaveStaging(site);
  return withStaging(site, `${actor}: rfs shell`, (tree) =>
    attachInTree(tree, argvOf(command), {
      binds: packageCaches(site),
      env: { debian_chroot: 'staging' },
    }),
  );
}

function argvOf(command: readonly string[]): readonly string[] {
  if (command.length === 0) return ['bash', '-i'];
  return command.length === 1 ? ['sh', '-c', command[0]!] : command;
}
