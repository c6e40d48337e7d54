import { Socket } from 'node:net';
import type { AnyAuthMethod, Client, ClientChannel, ServerHostKeyAlgorithm } from 'ssh2';
import { awaitIdentification, onAbort } from './dial.ts';
import { asEnd, ConnectionEnded } from './ended.ts';
import { askNoProofs } from './no-proofs.ts';
import type { Target } from './protocol.ts';
import { narrowWindows, openWindow } from './window.ts';

export { ConnectionEnded, outcomeOfEnd } from './ended.ts';

/** Which machine's key is whose. */
export interface HostKeys {
  /** The algorithms whose keys are known of a machine, so that it shows one of those; none: any will do. */
  algorithmsOf(target: Target): readonly ServerHostKeyAlgorithm[];
  /** @param key as it is on the wire; nobody has proved to have it yet. @returns what is wrong with it */
  check(target: Target, key: Buffer): string | undefined;
  /** What is wrong where a machine has no key of the algorithms that are known of it. */
  missing(target: Target): string | undefined;
  /** The machine has proved that the key is its own. */
  seen(target: Target, key: Buffer): void;
}

export interface Connector {
  auth: readonly AnyAuthMethod[];
  /** What is wrong with the operator's keys or agent right now, for a machine that takes none of them. */
  authTrouble?: () => string | undefined;
  hostKeys: HostKeys;
  connectMs: number;
  /** A machine that says nothing for three times that has gone. */
  aliveMs: number;
}

/** A machine that let us in. */
export interface Connection {
  target: Target;
  /** @throws ConnectionEnded when it is gone, or runs nothing for us */
  exec(command: string): Promise<Running>;
  /** Why it ended; undefined as long as it has not. */
  readonly ended: ConnectionEnded | undefined;
  /** Resolves when it has ended, by whomever. */
  readonly end: Promise<ConnectionEnded>;
  /** Leaves at once, whatever the other side does. */
  close(): void;
}

/** A command over there. */
export interface Running {
  channel: ClientChannel;
  /** Resolves when the channel is closed, with how the command ended; neither where the connection went first. */
  exit: Promise<{ exitCode?: number; killedBy?: string }>;
  /** So many bytes of its output were taken: without that it stops after a while. */
  took(bytes: number): void;
  /** Asks its sshd to send it SIGTERM, and listens no more. */
  terminate(): void;
}

/** Those that both sides do fastest come first: a handshake costs some 5 ms of processor time. */
const ALGORITHMS = {
  kex: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'diffie-hellman-group14-sha256',
  ],
  cipher: [
    'aes128-gcm@openssh.com',
    'chacha20-poly1305@openssh.com',
    'aes256-gcm@openssh.com',
    'aes128-ctr',
    'aes256-ctr',
  ],
  compress: ['none'],
} as const;

/** Polite words are written, or the connection is cut, within that. */
const CLOSE_MS = 1000;

/**
 * Logs in on a machine, or says why not within `connectMs`. Nothing of an attempt is left behind.
 * @throws ConnectionEnded
 */
export async function connect(
  target: Target,
  { auth, authTrouble, hostKeys, connectMs, aliveMs }: Connector,
  signal?: AbortSignal,
): Promise<Connection> {
  const { default: ssh2 } = await import('ssh2');
  const client: Client = new ssh2.Client();
  const socket = new Socket();
  let ended: ConnectionEnded | undefined;
  const end = (why: ConnectionEnded): void => {
    ended ??= why;
    socket.destroy(); // ssh2 itself leaves one open whose other side never closes it
  };
  const closed = new Promise<ConnectionEnded>((resolve) =>
    socket.once('close', () => resolve((ended ??= new ConnectionEnded('unreachable', 'it hung up')))),
  );
  let waitsFor = 'it does not answer';
  let isLoggingIn = false;
  let isIn = false;
  let agentTrouble: string | undefined;
  let wrongKey: string | undefined;
  let shownKey: Buffer | undefined;
  const known = hostKeys.algorithmsOf(target);
  const ready = new Promise<void>((resolve) => client.once('ready', resolve));
  socket.on('error', (error) => end(asEnd(error)));
  client.on('error', (error: Error & { level?: string }) => {
    if (error.level === 'agent') {
      agentTrouble = error.message; // another key may do
      return;
    }
    if (/no matching host key/.test(error.message)) wrongKey ??= hostKeys.missing(target);
    const login = { user: target.user, trouble: agentTrouble ?? authTrouble?.() };
    end(wrongKey ? new ConnectionEnded('refused', wrongKey) : asEnd(error, isIn ? undefined : login));
  });
  client.on('handshake', () => {
    askNoProofs(client);
    waitsFor = 'it neither lets us in nor says no';
    isLoggingIn = true;
    if (shownKey) hostKeys.seen(target, shownKey);
  });
  const late = setTimeout(() => {
    const trouble = isLoggingIn ? authTrouble?.() : undefined;
    end(new ConnectionEnded('unreachable', trouble ? `${waitsFor}; ${trouble}` : waitsFor));
  }, connectMs);
  const unlisten = onAbort(signal, () => end(new ConnectionEnded('stopped', 'not waited for')));
  const orEnd = async (work: Promise<unknown>): Promise<void> => {
    const why = await Promise.race([work, closed]);
    if (why instanceof ConnectionEnded) throw why;
  };
  try {
    if (ended) throw ended as ConnectionEnded;
    await orEnd(
      new Promise<void>((resolve) => socket.connect({ host: target.ip, port: target.port }, resolve)),
    );
    socket.setNoDelay(true);
    await orEnd(awaitIdentification(socket, (words) => (waitsFor = words)));
    waitsFor = 'it does not finish the key exchange';
    client.connect({
      sock: socket,
      username: target.user,
      authHandler: [...auth],
      readyTimeout: 0, // it would not see all of an attempt
      keepaliveInterval: aliveMs,
      keepaliveCountMax: 2, // gone when the third would be due
      algorithms: {
        kex: [...ALGORITHMS.kex],
        cipher: [...ALGORITHMS.cipher],
        compress: [...ALGORITHMS.compress],
        ...(known.length > 0 ? { serverHostKey: [...known] } : {}),
      },
      hostVerifier: (key: Buffer) => {
        wrongKey = hostKeys.check(target, key);
        shownKey = key;
        return wrongKey === undefined;
      },
    });
    await orEnd(ready);
    isIn = true;
    narrowWindows(client, () =>
      end(new ConnectionEnded('unreachable', "it breaks SSH's rules: it sends more than it may")),
    );
  } catch (error) {
    end(asEnd(error));
    throw ended;
  } finally {
    clearTimeout(late);
    unlisten();
  }
  return {
    target,
    end: closed,
    get ended() {
      return ended;
    },
    exec: (command) => startCommand(client, socket, command, () => ended),
    close() {
      if (ended) return;
      ended = new ConnectionEnded('stopped', 'we left');
      client.end();
      socket.destroySoon();
      const cut = setTimeout(() => socket.destroy(), CLOSE_MS);
      socket.once('close', () => clearTimeout(cut));
    },
  };
}

/** Once the command has begun, the connection keeps nothing of it: there may be thousands. */
function startCommand(
  client: Client,
  socket: Socket,
  command: string,
  ended: () => ConnectionEnded | undefined,
): Promise<Running> {
  return new Promise((resolve, reject) => {
    const why = ended();
    if (why) return reject(why);
    const gone = (): void => reject(ended() ?? new ConnectionEnded('unreachable', 'it hung up'));
    socket.once('close', gone);
    client.exec(command, (error, channel) => {
      if (error && ended() !== undefined) return; // the socket's own end says more
      socket.off('close', gone);
      if (error)
        return reject(new ConnectionEnded('refused', `it runs no command for us: ${error.message}`, error));
      // Its end may be in the same packet: who listens later has missed it.
      resolve({
        channel,
        exit: exitOf(channel),
        took: openWindow(client, channel),
        terminate: () => terminate(client, channel),
      });
    });
  });
}

function exitOf(channel: ClientChannel): Running['exit'] {
  return new Promise((resolve) => {
    let told: Awaited<Running['exit']> = {};
    channel.on('exit', (code: number | null, name?: string) => {
      told = code === null ? { killedBy: String(name).replace(/^SIG/, '') } : { exitCode: code };
    });
    channel.once('close', () => resolve(told));
  });
}

/** `channel.signal` does nothing once our side of the channel is at its end, as it is when there is no input; SSH lets us. */
function terminate(client: Client, channel: ClientChannel): void {
  const { _protocol: protocol } = client as unknown as {
    _protocol?: { signal(id: number, name: string): void };
  };
  const { outgoing } = channel as unknown as { outgoing: { id: number; state: string } };
  if (outgoing.state === 'open' || outgoing.state === 'eof') protocol?.signal(outgoing.id, 'TERM');
  channel.close();
}
