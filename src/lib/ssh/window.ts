import type { Client, ClientChannel } from 'ssh2';

/** What a machine may send before we have taken it: with hundreds of them, ssh2's own 2 MB each are more than all else. */
const WINDOW_BYTES = 128 * 1024;

interface Protocol {
  session(channel: number, window: number, packet: number): void;
  channelWindowAdjust(channel: number, bytes: number): void;
}
interface ChannelState {
  incoming: { window: number };
  outgoing: { id: number; state: string };
}

/** Channels that are opened from now on begin with our window; each must be given more by what `openWindow` returns. */
export function narrowWindows(client: Client): void {
  const protocol = protocolOf(client)!;
  const session = protocol.session.bind(protocol);
  protocol.session = (channel, _window, packet) => session(channel, WINDOW_BYTES, packet);
}

/** @returns to be told how many bytes were taken: the machine may send as many more */
export function openWindow(client: Client, channel: ClientChannel): (bytes: number) => void {
  const { incoming, outgoing } = channel as unknown as ChannelState;
  incoming.window = Infinity; // ssh2 itself then never gives more
  let taken = 0;
  return (bytes) => {
    taken += bytes;
    if (taken < WINDOW_BYTES / 2 || (outgoing.state !== 'open' && outgoing.state !== 'eof')) return;
    protocolOf(client)?.channelWindowAdjust(outgoing.id, taken);
    taken = 0;
  };
}

function protocolOf(client: Client): Protocol | undefined {
  return (client as unknown as { _protocol?: Protocol })._protocol;
}
