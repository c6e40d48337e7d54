import type { Readable } from 'node:stream';
import type { Client, ClientChannel } from 'ssh2';

/** What a machine may send before we have taken it: with hundreds of them, ssh2's own 2 MB each are more than all else. */
const WINDOW_BYTES = 128 * 1024;
/** Of a machine that sends more than it may, so much is kept. */
const MAX_WAITING_BYTES = 4 * WINDOW_BYTES;

type Receive = (protocol: Protocol, channel: number, ...more: unknown[]) => void;

interface Protocol {
  session(channel: number, window: number, packet: number): void;
  channelWindowAdjust(channel: number, bytes: number): void;
  _handlers: { CHANNEL_DATA: Receive; CHANNEL_EXTENDED_DATA: Receive };
}
interface ChannelState {
  incoming: { window: number };
  outgoing: { id: number; state: string };
}

/**
 * Channels that are opened from now on begin with our window; each must be given more by what `openWindow` returns.
 * @param tooMuch a machine does not keep to its window, which ssh2 does not look at: it would be all in memory
 */
export function narrowWindows(client: Client, tooMuch: () => void): void {
  const protocol = protocolOf(client)!;
  const session = protocol.session.bind(protocol);
  protocol.session = (channel, _window, packet) => session(channel, WINDOW_BYTES, packet);
  const handlers = protocol._handlers;
  for (const kind of ['CHANNEL_DATA', 'CHANNEL_EXTENDED_DATA'] as const) {
    const receive = handlers[kind];
    handlers[kind] = (from, id, ...more) => {
      receive(from, id, ...more);
      if (waitingBytes(client, id) > MAX_WAITING_BYTES) tooMuch();
    };
  }
}

/** What came on a channel and nobody has read. */
function waitingBytes(client: Client, id: number): number {
  const { _chanMgr } = client as unknown as {
    _chanMgr: { get(id: number): Partial<ClientChannel> | undefined };
  };
  const { readableLength = 0, stderr } = _chanMgr.get(id) ?? {};
  return readableLength + ((stderr as Partial<Readable> | undefined)?.readableLength ?? 0);
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
