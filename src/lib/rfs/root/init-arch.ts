import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProloError } from '../../errors.ts';
import { runInTree } from './enter.ts';
import type { RootPlan } from './init-plan.ts';

/** What pacstrap leaves that is of no use there: what was downloaded, the sockets of an agent that has ended, glibc's own locale.gen. */
const REMAINS: readonly (readonly [string, RegExp])[] = [
  ['var/cache/pacman/pkg', /./],
  ['var/lib/pacman/sync', /./],
  ['etc/pacman.d/gnupg', /^S\.|~$/],
  ['etc', /^locale\.gen\.pacnew$/],
];

/** What Debian's packages do as they are set up, and Arch leaves to whoever installs it. */
export async function finishArch({ tree, sources }: RootPlan): Promise<void> {
  await mkdir(join(tree, 'etc/pacman.d'), { recursive: true });
  await writeFile(join(tree, 'etc/pacman.d/mirrorlist'), `${sources.join('\n')}\n`);
  const { exitCode, stderr } = await runInTree(tree, ['locale-gen']);
  if (exitCode !== 0) throw new ProloError('failed', `staging: locale-gen: ${stderr.trim()}`);
  for (const [folder, names] of REMAINS)
    for (const name of await readdir(join(tree, folder)).catch(() => []))
      if (names.test(name)) await rm(join(tree, folder, name), { recursive: true, force: true });
}
