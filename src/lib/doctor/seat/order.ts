import { ProloError } from '../../errors.ts';
import type { BootFile } from '../checks/tftp.ts';
import type { Wanted } from '../http-file.ts';
import type { SwitchRecord } from '../../mdb/record.ts';

/** What one machine is asked to look at, and what it should find: told by the gateway, since a PC knows little of the site. */
export interface Order {
  hostname: string;
  ip: string;
  mac: string;
  /** Of its network; undefined: its address is in none. */
  prefix?: number;
  gateway?: string;
  /** Addresses that may offer addresses. */
  dhcpServers: string[];
  /** Whether its network is served by DHCP. */
  served: boolean;
  /** Asked of its resolver, forwards; the first are its own. */
  names: { name: string; ip: string }[];
  /** A name without its domain, as programs of the site use them. */
  short?: { name: string; ip: string };
  tftp: Pick<BootFile, 'server' | 'file' | 'firmware' | 'sha256'>[];
  boot: OrderedFile[];
  nfs?: { server: string; ip: string; path: string; image?: string };
  homes?: { server: string; url: string; login?: string };
  timeServers: string[];
  switches: SwitchRecord[];
  at: { rfs: number; hfs: number; room: string };
  /** The version that it would boot. */
  version?: number;
}

export interface OrderedFile extends Wanted {
  /** Fetched whole, and not its beginning alone. */
  whole: boolean;
  /** Of its first MiB, as the gateway gets it. */
  head?: string;
}

/** What a check at a machine has to go by. */
export interface SeatPatient {
  order: Order;
  sys: string;
  /** Where the initramfs leaves what it booted. */
  run: string;
  signal: AbortSignal;
}

/** So much of a boot file is fetched by all machines; the rest would fill the wire. */
export const HEAD_BYTES = 1024 ** 2;

/** In what is to be done: the machines that it is to be done at, as a node set. */
export const NODES = '{nodes}';

/** @throws ProloError `bad-input` */
export function parseOrder(text: string): Order {
  let order: Partial<Order> | null;
  try {
    order = JSON.parse(text) as Partial<Order> | null;
  } catch {
    order = null;
  }
  const lists = [
    order?.dhcpServers,
    order?.names,
    order?.tftp,
    order?.boot,
    order?.timeServers,
    order?.switches,
  ];
  if (
    typeof order?.ip === 'string' &&
    typeof order.mac === 'string' &&
    order.at &&
    lists.every(Array.isArray)
  )
    return order as Order;
  throw new ProloError('bad-input', 'standard input: not what to look at', {
    hint: '`prolo doctor --from SELECTION`, on the gateway, writes it',
  });
}
