import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { decodeReply, type DhcpQuery, type DhcpReply, encodeQuery, ipBytes } from './dhcp-packet.ts';

/**
 * DHCP clients of any MAC on an interface inside a network namespace. It asks by broadcast and wants broadcast
 * answers; the interface must be up and without an address. Needs `ip` (package iproute2).
 */
export interface DhcpClient {
  /** The answers to one packet that came within `waitMs`; by default the first one ends the wait. */
  exchange(query: Omit<DhcpQuery, 'xid'>, waitMs?: number, all?: boolean): Promise<DhcpReply[]>;
  /** DISCOVER: the offer, undefined when none came. */
  discover(mac: string, options?: Record<number, Buffer>, waitMs?: number): Promise<DhcpReply | undefined>;
  /** DISCOVER and REQUEST: the ACK or NAK. @throws when nothing is offered or acknowledged */
  obtain(mac: string, options?: Record<number, Buffer>): Promise<DhcpReply>;
  /** What a client says that boots with an address it had: the ACK or NAK, undefined when nothing came. */
  reuse(mac: string, ip: string, waitMs?: number): Promise<DhcpReply | undefined>;
  close(): Promise<void>;
}

/** What the firmware and iPXE say of themselves. */
export const SAYS = {
  bios: { 60: Buffer.from('PXEClient:Arch:00000:UNDI:002001'), 93: Buffer.from([0, 0]) },
  uefi: { 60: Buffer.from('PXEClient:Arch:00007:UNDI:003016'), 93: Buffer.from([0, 7]) },
  uefiHttp: { 60: Buffer.from('HTTPClient:Arch:00016:UNDI:003001'), 93: Buffer.from([0, 16]) },
  ipxe: {
    60: Buffer.from('PXEClient:Arch:00000:UNDI:002001'),
    77: Buffer.from('iPXE'),
    93: Buffer.from([0, 0]),
  },
} as const;

/** iPXE's list of what it wants to be told. */
const WANTED = Buffer.from([1, 3, 6, 7, 12, 15, 17, 42, 43, 60, 66, 67, 119, 175, 203]);

interface Answer {
  id: number;
  packets: string[];
}

export async function openDhcpClient(netns: string, nic: string): Promise<DhcpClient> {
  // A route for the broadcasts, and no address: they come from 0.0.0.0, as those of a machine that starts.
  ip(netns, 'route', 'replace', 'default', 'dev', nic);
  const child = spawn(
    'ip',
    ['netns', 'exec', netns, process.execPath, '--import=tsx', fileURLToPath(import.meta.url)],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const lines = createInterface({ input: child.stdout });
  const waiting = new Map<number, (answer: Answer) => void>();
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`dhcp client in ${netns}: exit status ${code}`)));
    lines.on('line', (line) => {
      if (line === 'ready') return resolve();
      const answer = JSON.parse(line) as Answer;
      waiting.get(answer.id)?.(answer);
      waiting.delete(answer.id);
    });
  });

  let id = 0;
  const exchange: DhcpClient['exchange'] = async (query, waitMs = 3000, all = false) => {
    const packet = encodeQuery({
      ...query,
      xid: Math.floor(Math.random() * 0xffffffff),
      options: { 55: WANTED, ...query.options },
    });
    const { packets } = await new Promise<Answer>((resolve) => {
      waiting.set(++id, resolve);
      child.stdin.write(`${JSON.stringify({ id, packet: packet.toString('hex'), waitMs, all })}\n`);
    });
    return packets.flatMap((hex) => decodeReply(Buffer.from(hex, 'hex')) ?? []);
  };
  const client: DhcpClient = {
    exchange,
    discover: async (mac, options = {}, waitMs) => (await exchange({ mac, type: 1, options }, waitMs))[0],
    async obtain(mac, options = {}) {
      const offer = await client.discover(mac, options);
      if (!offer) throw new Error(`dhcp: ${mac}: no offer`);
      const wanted = { 50: ipBytes(offer.ip), 54: offer.options[54]!, ...options };
      const [answer] = await exchange({ mac, type: 3, options: wanted });
      if (!answer) throw new Error(`dhcp: ${mac}: no answer to the request for ${offer.ip}`);
      return answer;
    },
    reuse: async (mac, address, waitMs) =>
      (await exchange({ mac, type: 3, options: { 50: ipBytes(address) } }, waitMs))[0],
    async close() {
      lines.close();
      if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve).stdin!.end());
    },
  };
  return client;
}

function ip(netns: string, ...args: string[]): void {
  execFileSync('ip', ['-n', netns, ...args], { stdio: 'pipe' });
}

/** The process inside the namespace: lines of questions in, lines of answers out, one at a time or many. */
async function serve(): Promise<void> {
  const socket = createSocket('udp4');
  const pending = new Map<string, (packet: Buffer) => void>();
  socket.on('message', (packet) => pending.get(packet.subarray(4, 8).toString('hex'))?.(packet));
  await new Promise<void>((resolve) => socket.bind(68, () => resolve()));
  socket.setBroadcast(true);
  console.log('ready');
  const input = createInterface({ input: process.stdin });
  input.on('line', (line) => {
    const { id, packet, waitMs, all } = JSON.parse(line) as {
      id: number;
      packet: string;
      waitMs: number;
      all: boolean;
    };
    const query = Buffer.from(packet, 'hex');
    const xid = query.subarray(4, 8).toString('hex');
    const packets: string[] = [];
    const finish = (): void => {
      clearTimeout(timer);
      pending.delete(xid);
      console.log(JSON.stringify({ id, packets } satisfies Answer));
    };
    const timer = setTimeout(finish, waitMs);
    pending.set(xid, (reply) => {
      packets.push(reply.toString('hex'));
      if (!all) finish();
    });
    socket.send(query, 67, '255.255.255.255');
  });
  input.on('close', () => process.exit(0));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await serve();
