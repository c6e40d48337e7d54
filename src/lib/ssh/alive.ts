import { connect } from 'node:net';
import type { MachineRecord } from '../mdb/record.ts';
import { fanOut } from './fan-out.ts';

/** A lost first packet is sent again after one second. */
const WAIT_MS = 1500;
const AT_ONCE = 256;

/** The hostnames of those whose sshd's port takes a connection; nothing is said there. */
export async function findAlive(
  machines: readonly MachineRecord[],
  port: number,
  waitMs = WAIT_MS,
): Promise<Set<string>> {
  const alive = new Set<string>();
  await fanOut(
    machines,
    async ({ hostname, ip }) => {
      if (await takesConnection(ip, port, waitMs)) alive.add(hostname);
    },
    { atOnce: AT_ONCE },
  );
  return alive;
}

function takesConnection(host: string, port: number, waitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answer: boolean) => (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(end(false), waitMs);
    socket.once('connect', end(true)).once('error', end(false));
  });
}
