import type { ServerHostKeyAlgorithm } from 'ssh2';
import type { Site } from '../site/site.ts';
import { readFileIfThere, writeFileAtomic } from '../write-file.ts';
import type { HostKeys } from './connect.ts';

/** `known_hosts` of the site, as OpenSSH reads it too: a machine's name and address, and its keys. */
export interface KnownHosts extends HostKeys {
  /** Writes down the keys that were seen for the first time. */
  save(): Promise<void>;
}

export async function readKnownHosts(site: Site): Promise<KnownHosts> {
  const file = site.statePath('ssh/known_hosts');
  const lines = ((await readFileIfThere(file)) ?? '').split('\n').filter(Boolean);
  const keys = new Map<string, string[]>();
  for (const line of lines) {
    const [names = '', , key = ''] = line.split(' ');
    const [hostname = ''] = names.split(',');
    keys.set(hostname, [...(keys.get(hostname) ?? []), key]);
  }
  const first: string[] = [];
  return {
    algorithmsOf: ({ hostname }) => (keys.get(hostname) ?? []).flatMap(algorithmsOfKey),
    check({ hostname, ip, port }, key) {
      const text = key.toString('base64');
      const known = keys.get(hostname);
      if (known?.includes(text)) return undefined;
      if (known) return 'its host key has changed: another machine answers there, or it was set up anew';
      keys.set(hostname, [text]);
      const names = port === 22 ? `${hostname},${ip}` : `${hostname},[${hostname}]:${port},[${ip}]:${port}`;
      first.push(`${names} ${typeOfKey(key)} ${text}`);
      return undefined;
    },
    async save() {
      if (first.length > 0) await writeFileAtomic(file, `${[...lines, ...first].join('\n')}\n`, 0o600);
    },
  };
}

function typeOfKey(key: Buffer): string {
  return key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1');
}

/** An RSA key signs in several ways. */
function algorithmsOfKey(key: string): ServerHostKeyAlgorithm[] {
  const type = typeOfKey(Buffer.from(key, 'base64')) as ServerHostKeyAlgorithm;
  return type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type];
}
