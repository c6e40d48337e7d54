import { resolve } from 'node:path';
import type { MachineRecord } from '../mdb/record.ts';
import type { Site } from '../site/site.ts';
import { knownHostsFile } from '../ssh/known-hosts.ts';
import type { Remote } from './distribute.ts';

/** A server as OpenSSH's client reaches it, for rsync: with the site's user, key and host keys; it asks nothing. */
export function remoteOf(site: Site, { hostname, ip }: MachineRecord): Remote {
  const { user, port, identity, connectSeconds, aliveSeconds } = site.config.ssh;
  const options = {
    BatchMode: 'yes',
    ConnectTimeout: connectSeconds,
    ServerAliveInterval: aliveSeconds,
    UserKnownHostsFile: knownHostsFile(site),
    StrictHostKeyChecking: 'accept-new',
    LogLevel: 'ERROR',
    Ciphers: '^aes128-gcm@openssh.com', // the one that processors help with
    ...(identity ? { IdentityFile: resolve(site.dir, identity), IdentitiesOnly: 'yes' } : {}),
  };
  return {
    hostname,
    at: `${user}@${ip}`,
    ssh: [
      'ssh',
      '-p',
      String(port),
      ...Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]),
    ],
  };
}

/** The remote shell as rsync's `-e` wants it: one text, which it takes apart at blanks outside of quotes. */
export function rsyncShell({ ssh }: Remote): string {
  return ssh
    .map((word) => (/^[\w%+,./:=@^-]+$/.test(word) ? word : `'${word.replaceAll("'", "''")}'`))
    .join(' ');
}
