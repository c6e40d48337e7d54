import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProloError } from '../../errors.ts';
import { runInTree } from './enter.ts';
import type { RootPlan } from './init-plan.ts';

/** What Debian's packages do as they are set up, and Arch leaves to whoever installs it. */
export async function finishArch({ tree, sources }: RootPlan): Promise<void> {
  await mkdir(join(tree, 'etc/pacman.d'), { recursive: true });
  await writeFile(join(tree, 'etc/pacman.d/mirrorlist'), `${sources.join('\n')}\n`);
  const { exitCode, stderr } = await runInTree(tree, ['locale-gen']);
  if (exitCode !== 0) throw new ProloError('failed', `staging: locale-gen: ${stderr.trim()}`);
}
