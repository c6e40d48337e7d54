import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ProloError } from '../../errors.ts';
import type { Site } from '../../site/site.ts';
import { hostKeyOfSecret } from '../../ssh/host-key.ts';
import { inside } from '../inside.ts';
import type { TreeEntry } from './tree-entry.ts';

const FOLDER = 'etc/ssh';
const KEY = 'ssh_host_ed25519_key';

/**
 * The PCs' common host key, and no other: what the package of sshd made belongs to the one that made the tree. Where the site has no
 * such key, each start of a machine makes one.
 */
export function hostKeyEntries(site: Site, tree: string): TreeEntry[] {
  const folder = inside(tree, FOLDER);
  if (!existsSync(folder)) return [];
  const secret = secretOf(site);
  const shared = secret === undefined ? [] : keyFiles(secret);
  const others = readdirSync(folder).filter(
    (name) => /^ssh_host_\w+_key(\.pub)?$/.test(name) && (shared.length === 0 || !name.startsWith(KEY)),
  );
  return [...shared, ...others.map((name) => ({ path: join(FOLDER, name), absent: true as const }))];
}

function keyFiles(secret: string): TreeEntry[] {
  const { privateText, publicText } = hostKeyOfSecret(secret);
  return [
    { path: join(FOLDER, KEY), data: privateText, mode: 0o600 },
    { path: join(FOLDER, `${KEY}.pub`), data: `${publicText} pcs\n` },
  ];
}

function secretOf(site: Site): string | undefined {
  if (site.hasSecret('ssh.pcs')) return site.secret('ssh.pcs');
  if (site.config.ssh.pcKey !== 'shared') return undefined;
  throw new ProloError('config', 'secrets.yml: ssh.pcs: not there, and PCs are to show it', {
    hint: '`prolo site secrets --add-missing`, or `pcKey: own`',
  });
}
