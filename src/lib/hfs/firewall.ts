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
  const nft = async (text: string): Promise<string> => {
    const { exitCode, stderr } = await run(['nft', '-f', '-'], { input: text });
    return exitCode === 0 ? '' : stderr.trim() || `exit status ${exitCode}`;
  };
  const trouble = await nft(renderTable(`${first}-${last}`)).catch(
    (error: unknown) => asProloError(error).message,
  );
  if (trouble) {
    log.warn({ trouble }, 'homes: no nftables here, so any host of the network can reach their ports');
    return OPEN;
  }
  const change = async (verb: 'add' | 'delete', peer: string, port: number): Promise<void> => {
    const said = await nft(`${verb} element inet ${TABLE} seats { ${peer} . ${port} }\n`);
    if (said && verb === 'add') log.error({ peer, port, said }, 'homes: nftables refused');
  };
  return {
    allow: ({ peer, port }) => change('add', peer, port),
    deny: ({ peer, port }) => change('delete', peer, port),
  };
}
