/** What the text of /proc/net/tcp says: a line a socket, addresses in hexadecimal, the least byte first. */

const ESTABLISHED = '01';
const LISTEN = '0A';

/** The peer's address of each established connection, by its local `address:port`. */
export function connectedClients(procNetTcp: string): Map<string, string> {
  const clients = new Map<string, string>();
  for (const { local, remote, state } of readSockets(procNetTcp))
    if (state === ESTABLISHED) clients.set(readAddress(local), readAddress(remote).split(':')[0]!);
  return clients;
}

/** Whether something listens at a local `address:port`. */
export function isListening(procNetTcp: string, at: string): boolean {
  return readSockets(procNetTcp).some(({ local, state }) => state === LISTEN && readAddress(local) === at);
}

function readSockets(procNetTcp: string): { local: string; remote: string; state: string }[] {
  return procNetTcp.split('\n').flatMap((line) => {
    const [, local, remote, state] = line.trim().split(/\s+/);
    return local && remote && state ? [{ local, remote, state }] : [];
  });
}

/** `0100007F:1F90` is 127.0.0.1:8080. */
function readAddress(hex: string): string {
  const [ip = '', port = ''] = hex.split(':');
  const bytes = (ip.match(/../g) ?? []).map((byte) => parseInt(byte, 16));
  return `${bytes.reverse().join('.')}:${parseInt(port, 16)}`;
}
