import { createHash } from 'node:crypto';
import { ProloError } from '../errors.ts';
import { run } from '../exec.ts';

/** Of each file its name, kind, mode, owner, size, device number, times of its data and of its inode, and a link's target. */
const FACTS = ['%P', '%y', '%m', '%U', '%G', '%s', '%T@', '%C@', '%l'].join('\\t');

/**
 * A hash of all that a tree's folders say of it, no file read. Whatever is written into the tree changes it; what only
 * reads it does not.
 * @throws ProloError `not-found` when there is no such tree
 */
export async function fingerprint(tree: string): Promise<string> {
  const { exitCode, stdout, stderr } = await run(['find', tree, '-xdev', '-printf', `${FACTS}\\0`], {
    timeoutMs: 120_000,
  });
  if (exitCode === 0) return createHash('sha256').update(stdout).digest('hex');
  throw new ProloError('not-found', `staging ${tree}: ${stderr.trim().split('\n')[0]}`, {
    hint: 'make it with `prolo rfs init`; or does something change it just now?',
  });
}
