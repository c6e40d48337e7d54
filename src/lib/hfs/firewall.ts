import { readFileSync } from 'node:fs';
import { asProloError } from '../errors.ts';
import { run } from '../exec.ts';
import type { Logger } from '../log.ts';
import { parsePorts } from '../net.ts';
import type { Config } from '../site/schema.ts';

/** Who may connect to which home's port; nobody else may to any port of homes. */
export interface Firewall {
  allow(to: { peer: string; port: number }): Promise<void>;
  deny(to: { peer: string; port: number }): Promise<void>;
}

const OPEN: Firewall = { allow: () => Promise.resolve(), deny: () => Promise.resolve() };
const TABLE = 'prolo-homes';

/**
 * What nftables is told first; repeated, it changes nothing. Only what opens a connection is dropped: the same ports are
 * those that the kernel gives to this host's own clients, whose answers come to them.
 */
export function renderTable(ports: string): string {
  return `add table inet ${TABLE}
add set inet ${TABLE} seats { type ipv4_addr . inet_service; }
add chain inet ${TABLE} input { type filter hook input priority 0; policy accept; }
flush chain inet ${TABLE} input
add rule inet ${TABLE} input tcp dport ${ports} ip saddr . tcp dport @seats accept
add rule inet ${TABLE} input tcp dport ${ports} tcp flags & (syn | ack) == syn counter drop
`;
}

/** Where there is no nftables, or the site wants none, nothing is dropped: the unguessable name is what is left. */
export async function createFirewall(config: Config['hfs'], log: Logger): Promise<Firewall> {
  const { first, last } = parsePorts(config.ports)!;
  if (config.firewall === 'off') return OPEN;
  const ports = `${first}-${last}`;
  const nft = (text: string): Promise<string> =>
    run(['nft', '-f', '-'], { input: text }).then(
      ({ exitCode, stderr }) => (exitCode === 0 ? '' : stderr.trim() || `exit status ${exitCode}`),
      (error: unknown) => asProloError(error).message,
    );
  const change = (verb: 'add' | 'delete', elements: Iterable<string>): string =>
    [...elements].map((one) => `${verb} element inet ${TABLE} seats { ${one} }\n`).join('');
  const trouble = await nft(renderTable(ports));
  if (trouble) {
    log.warn({ trouble }, 'homes: no nftables here, so any host of the network can reach their ports');
    return OPEN;
  }
  await nft(change('delete', await listStale()));
  const allowed = new Set<string>();
  return {
    async allow({ peer, port }) {
      const element = `${peer} . ${port}`;
      allowed.add(element);
      if (!(await nft(change('add', [element])))) return;
      // Whoever loads other rules may have flushed these.
      const said = await nft(renderTable(ports) + change('add', allowed));
      if (said) log.error({ peer, port, said }, 'homes: nftables refused');
    },
    async deny({ peer, port }) {
      const element = `${peer} . ${port}`;
      if (allowed.delete(element)) await nft(change('delete', [element]));
    },
  };
}

/** What servers that were killed have left: nobody listens on those ports. Another server of this box uses the same table. */
async function listStale(): Promise<string[]> {
  const { stdout } = await run(['nft', '-j', 'list', 'set', 'inet', TABLE, 'seats']);
  const { nftables } = JSON.parse(stdout) as {
    nftables: { set?: { elem?: { concat: [string, number] }[] } }[];
  };
  const listening = listeningPorts(readFileSync('/proc/net/tcp', 'latin1'));
  return nftables
    .flatMap(({ set }) => set?.elem ?? [])
    .filter(({ concat: [, port] }) => !listening.has(port))
    .map(({ concat: [peer, port] }) => `${peer} . ${port}`);
}

function listeningPorts(procNetTcp: string): Set<number> {
  const lines = procNetTcp.split('\n').map((line) => line.trim().split(/\s+/));
  return new Set(
    lines.filter(([, , , state]) => state === '0A').map(([, local]) => parseInt(local!.split(':')[1]!, 16)),
  );
}
