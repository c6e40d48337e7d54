import { resolve } from 'node:path';
import type { MachineRecord } from '../mdb/record.ts';
import type { Site } from '../site/site.ts';
import type { Connector } from './connect.ts';
import { openIdentity } from './identity.ts';
import { readKnownHosts } from './known-hosts.ts';
import type { Target } from './protocol.ts';

/** What the operator said in place of the site's `ssh`: the flags of `connectFlags`. */
export interface ConnectFlags {
  user?: string | undefined;
  port?: number | undefined;
  identity?: string | undefined;
  fanout?: number | undefined;
  'connect-timeout'?: number | undefined;
}

/** How machines are reached in one run. */
export interface Access {
  connector: Connector;
  fanout: number;
  targetOf(machine: MachineRecord): Target;
  /**
   * Writes down the host keys that were seen for the first time; where that cannot be, the run was no worse for it: it is noted, as
   * is what is wrong with those that are written down.
   */
  close(note?: (text: string) => void): Promise<void>;
}

/** @throws ProloError `config`, `unavailable` when there is no key to log in with */
export async function openAccess(site: Site, flags: ConnectFlags): Promise<Access> {
  const { ssh } = site.config;
  const user = flags.user ?? ssh.user;
  const port = flags.port ?? ssh.port;
  const identity = flags.identity ?? (ssh.identity && resolve(site.dir, ssh.identity));
  const [{ auth, authTrouble }, hostKeys] = await Promise.all([
    openIdentity(user, identity, { SSH_AUTH_SOCK: process.env.SSH_AUTH_SOCK }),
    readKnownHosts(site),
  ]);
  return {
    connector: {
      auth,
      authTrouble,
      hostKeys,
      connectMs: (flags['connect-timeout'] ?? ssh.connectSeconds) * 1000,
      aliveMs: ssh.aliveSeconds * 1000,
    },
    fanout: flags.fanout ?? ssh.fanout,
    targetOf: ({ hostname, ip, mtype, mac }) => ({ hostname, ip, port, user, mtype, mac }),
    async close(note = () => undefined) {
      if (hostKeys.trouble) note(hostKeys.trouble);
      await hostKeys
        .save()
        .catch((error: unknown) => note(`host keys are not recorded: ${(error as Error).message}`));
    },
  };
}
