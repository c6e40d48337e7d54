import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ProloError } from '../errors.ts';
import { writeFileAtomic } from '../write-file.ts';
import type { HostKeyPair } from './host-key.ts';

/**
 * Makes it the host key of machines that boot this root.
 * @param root a root filesystem that is not booted from here, such as staging
 * @returns the file of the private key
 * @throws ProloError `not-found` where no sshd is in there
 */
export async function installHostKey(root: string, key: HostKeyPair): Promise<string> {
  const folder = join(root, 'etc/ssh');
  if (!existsSync(folder))
    throw new ProloError('not-found', `${folder}: no such folder`, {
      hint: 'is openssh-server installed in that root?',
    });
  const file = join(folder, 'ssh_host_ed25519_key');
  await writeFileAtomic(file, key.privateText, 0o600);
  await writeFileAtomic(`${file}.pub`, `${key.publicText} pcs\n`);
  return file;
}
