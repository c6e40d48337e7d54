import { createSocket, type Socket } from 'node:dgram';
import { setTimeout as wait } from 'node:timers/promises';
import { formatIp, inRange, parseCidr, parseIp } from '../net.ts';
import type { NetworkConfig } from '../site/schema.ts';
import type { Outcome } from '../ssh/protocol.ts';

/** What a NIC that waits for it wakes its machine by: six times 255, and its MAC sixteen times. */
export function magicPacket(mac: string): Buffer {
  const bytes = Buffer.from(mac.replaceAll(':', ''), 'hex');
  return Buffer.concat([Buffer.alloc(6, 0xff), ...Array.from({ length: 16 }, () => bytes)]);
}

/** The broadcast address of the network that an address is in; undefined when it is in none. */
export function broadcastOf(
  networks: readonly Pick<NetworkConfig, 'cidr'>[],
  ip: string,
): string | undefined {
  const address = parseIp(ip);
  const ranges = networks.map(({ cidr }) => parseCidr(cidr)!);
  const found = ranges.find((range) => address !== undefined && inRange(address, range));
  return found && formatIp(found.last);
}

/** Each packet is sent so often, since nothing acknowledges it. */
const TIMES = 3;
const GAP_MS = 100;
/** "discard", as everybody does. */
export const WAKE_PORT = 9;

/** Sends magic packets from this host. */
export interface Waker {
  wake(machine: { hostname: string; ip: string; mac: string }): Promise<Outcome>;
  close(): void;
}

/** @throws the system's error when there is no socket to be had */
export async function openWaker(
  networks: readonly Pick<NetworkConfig, 'cidr'>[],
  port = WAKE_PORT,
): Promise<Waker> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve, reject) => socket.once('error', reject).bind(0, resolve));
  socket.on('error', () => undefined); // each send has its own
  socket.setBroadcast(true);
  return {
    async wake({ hostname, ip, mac }) {
      const startedMs = performance.now();
      const end = (status: Outcome['status'], reason?: string): Outcome => ({
        hostname,
        status,
        ...(reason === undefined ? {} : { reason }),
        ms: Math.round(performance.now() - startedMs),
      });
      const broadcast = broadcastOf(networks, ip);
      if (broadcast === undefined) return end('failed', "its address is in no network of the site's");
      try {
        for (let n = 0; n < TIMES; n++) {
          if (n > 0) await wait(GAP_MS);
          await send(socket, magicPacket(mac), port, broadcast);
        }
        return end('ok');
      } catch (error) {
        return end('failed', `no way to send to ${broadcast}: ${(error as Error).message}`);
      }
    },
    close: () => socket.close(),
  };
}

function send(socket: Socket, packet: Buffer, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) =>
    socket.send(packet, port, address, (error) => (error ? reject(error) : resolve())),
  );
}
