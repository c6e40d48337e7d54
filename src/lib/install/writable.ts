import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ProloError } from '../errors.ts';
import { JOURNAL_DIR } from './journal.ts';
import type { Step } from './plan.ts';

/** Paths that a step writes to; what is not there yet stands for the folder that it will be made in. */
export function placesOf(step: Step): string[] {
  switch (step.kind) {
    case 'packages':
      return ['/usr', '/var/lib/dpkg', '/var/lib/pacman'];
    case 'user':
      return ['/etc/passwd', '/etc/group'];
    case 'folder':
    case 'tree':
      return [step.wish.path];
    case 'file':
      return [dirname(step.wish.path), step.wish.path];
    case 'enable':
      return ['/etc/systemd/system'];
  }
}

const WORDS: Readonly<Record<string, string>> = {
  EROFS: 'read-only file system',
  EPERM: 'immutable',
  EACCES: 'not yours',
};

/**
 * Looks, before anything is done, whether all of it can be.
 * @throws ProloError `forbidden` with every place where it cannot
 */
export async function checkWritable(root: string, steps: readonly Step[]): Promise<void> {
  const places = [...new Set([...steps.flatMap(placesOf), `/${JOURNAL_DIR}`])];
  const found = await Promise.all(places.map((path) => troubleAt(root, path)));
  const troubles = [...new Set(found.filter((one) => one !== undefined))];
  if (troubles.length === 0) return;
  throw new ProloError('forbidden', `host ${root}: cannot be written: ${troubles.join(', ')}`, {
    hint: 'as root, mount it read-write, or `lsattr` and `chattr -i`; nothing was done',
  });
}

async function troubleAt(root: string, path: string): Promise<string | undefined> {
  try {
    await access(join(root, path), constants.W_OK);
    return undefined;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && path !== '/') return troubleAt(root, dirname(path));
    return code in WORDS ? `${path} (${WORDS[code]})` : undefined;
  }
}
