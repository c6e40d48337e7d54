import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renderTemplate } from '../../template.ts';
import { pacmanConf, type RootPlan } from './init-plan.ts';
import { profilesOf } from './profiles.ts';

/** Of Arch: they would make an initramfs at every kernel, which machines never boot. */
const HOOKS = ['60-mkinitcpio-remove.hook', '90-mkinitcpio-install.hook'];

/** What must be there before the first package is, such as what keeps it from starting daemons. */
export async function plantSeed({ distribution, tree, sources }: RootPlan): Promise<void> {
  await mkdir(tree);
  await chmod(tree, 0o755);
  const seed = join(profilesOf(distribution), 'seed');
  if (existsSync(seed)) await cp(seed, tree, { recursive: true });
  if (distribution === 'arch') {
    const hooks = join(tree, 'etc/pacman.d/hooks');
    await mkdir(hooks, { recursive: true });
    for (const name of HOOKS) await symlink('/dev/null', join(hooks, name));
    await writeFile(pacmanConf(tree), renderTemplate('rfs/profiles/arch/pacman.conf', { sources, hooks }));
  }
  for (const entry of await readdir(tree, { recursive: true, withFileTypes: true })) {
    const executable = entry.isDirectory() || /\/s?bin$/.test(entry.parentPath);
    if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), executable ? 0o755 : 0o644);
  }
}
