import type { MachineRecord } from '../mdb/record.ts';
import type { Site } from '../site/site.ts';
import { connect, type ConnectionEnded, type HostKeys } from './connect.ts';
import { fanOut } from './fan-out.ts';
import { fingerprint } from './host-key.ts';
import { readKnownHosts } from './known-hosts.ts';
import type { Target } from './protocol.ts';

/** `new`: recorded now. `refused`: another key than the known one. */
export interface Scanned {
  hostname: string;
  state: 'known' | 'new' | 'refused' | 'unreachable';
  fingerprint?: string;
  reason?: string;
}

export interface ScanFlags {
  port?: number | undefined;
  fanout?: number | undefined;
  'connect-timeout'?: number | undefined;
}

/** Each machine's host key, as far as a handshake goes: nobody logs in. */
export async function scanKeys(
  site: Site,
  machines: readonly MachineRecord[],
  flags: ScanFlags,
  note: (text: string) => void,
): Promise<Scanned[]> {
  const { ssh } = site.config;
  const known = await readKnownHosts(site);
  if (known.trouble) note(known.trouble);
  const scanned: Scanned[] = [];
  await fanOut(
    machines,
    async ({ hostname, ip, mtype, mac }) => {
      const target: Target = { hostname, ip, mtype, mac, port: flags.port ?? ssh.port, user: ssh.user };
      const isKnown = known.algorithmsOf(target).length > 0;
      const enough = new AbortController();
      let shown: Buffer | undefined;
      const hostKeys: HostKeys = {
        ...known,
        seen(_, key) {
          known.seen(target, key);
          shown = key;
          enough.abort();
        },
      };
      const connectMs = (flags['connect-timeout'] ?? ssh.connectSeconds) * 1000;
      const connector = { auth: [], hostKeys, connectMs, aliveMs: ssh.aliveSeconds * 1000 };
      const why = await connect(target, connector, enough.signal).then(
        (connection) => connection.close(),
        (error: ConnectionEnded) => error,
      );
      if (shown)
        scanned.push({ hostname, state: isKnown ? 'known' : 'new', fingerprint: fingerprint(shown) });
      else
        scanned.push({
          hostname,
          state: why?.status === 'refused' ? 'refused' : 'unreachable',
          reason: why?.message ?? '',
        });
    },
    { atOnce: flags.fanout ?? ssh.fanout },
  );
  await known.save();
  return scanned.sort((a, b) => (a.hostname < b.hostname ? -1 : 1));
}
