import type { AnyAuthMethod, Client, ClientChannel, ServerHostKeyAlgorithm } from 'ssh2';
import { ProloError } from '../errors.ts';
import type { Outcome, Status, Target } from './protocol.ts';

/** Which machine's key is whose. */
export interface HostKeys {
  /** The algorithms whose keys are known of a machine, so that it shows one of those; none: any will do. */
  algorithmsOf(target: Target): readonly ServerHostKeyAlgorithm[];
  /** @param key as it is on the wire. @returns undefined when it is the machine's, or its first one; else what is wrong */
  check(target: Target, key: Buffer): string | undefined;
}

export interface Connector {
  auth: readonly AnyAuthMethod[];
  hostKeys: HostKeys;
  connectMs: number;
  /** A machine that says nothing for three times that has gone. */
  aliveMs: number;
}

/** A machine that let us in. */
export interface Connection {
  target: Target;
  /** @throws ConnectionEnded when it is gone */
  exec(command: string): Promise<Running>;
  /** Why it ended; undefined as long as it has not. */
  readonly ended: ConnectionEnded | undefined;
  /** Resolves when it has ended, by whomever. */
  readonly end: Promise<ConnectionEnded>;
  close(): void;
}

/** A command over there. */
export interface Running {
  channel: ClientChannel;
  /** Resolves when the channel is closed, with how the command ended; neither where the connection went first. */
  exit: Promise<{ exitCode?: number; killedBy?: string }>;
}

/** Why a machine did not let us in, or is there no more. */
export class ConnectionEnded extends ProloError {
  readonly status: Extract<Status, 'unreachable' | 'refused' | 'timeout' | 'stopped'>;
  constructor(status: ConnectionEnded['status'], reason: string, cause?: unknown) {
    super('unavailable', reason, { cause });
    this.status = status;
  }
}

export function outcomeOfEnd({ target }: { target: Target }, error: unknown, ms: number): Outcome {
  const { status, message } =
    error instanceof ConnectionEnded
      ? error
      : { status: 'unreachable' as const, message: (error as Error).message };
  return { hostname: target.hostname, status, reason: message, ms };
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

/** @throws ConnectionEnded */
export async function connect(
  target: Target,
  { auth, hostKeys, connectMs, aliveMs }: Connector,
  signal?: AbortSignal,
): Promise<Connection> {
  const { default: ssh2 } = await import('ssh2');
  const client: Client = new ssh2.Client();
  let ended: ConnectionEnded | undefined;
  let wrongKey: string | undefined;
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
  const known = hostKeys.algorithmsOf(target);
  const end = (error: ConnectionEnded): void => {
    ended ??= error;
    client.destroy();
  };
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => end(new ConnectionEnded('stopped', 'not waited for'));
    const settle = (): void => {
      signal?.removeEventListener('abort', stop);
      if (ended) reject(ended);
      else resolve();
    };
    client.on('error', (error) => {
      end(wrongKey === undefined ? asEnd(error) : new ConnectionEnded('refused', wrongKey));
      settle();
    });
    client.on('close', () => {
      end(new ConnectionEnded('unreachable', 'it hung up'));
      settle();
    });
    client.once('ready', settle);
    if (signal?.aborted) return (stop(), settle());
    signal?.addEventListener('abort', stop);
    client.connect({
      host: target.ip,
      port: target.port,
      username: target.user,
      authHandler: [...auth],
      readyTimeout: connectMs,
      keepaliveInterval: aliveMs,
      keepaliveCountMax: 3,
      algorithms: {
        kex: [...ALGORITHMS.kex],
        cipher: [...ALGORITHMS.cipher],
        compress: [...ALGORITHMS.compress],
        ...(known.length > 0 ? { serverHostKey: [...known] } : {}),
      },
      hostVerifier: (key: Buffer) => (wrongKey = hostKeys.check(target, key)) === undefined,
    });
  });
  return {
    target,
    get ended() {
      return ended;
    },
    end: closed.then(() => ended ?? new ConnectionEnded('unreachable', 'it hung up')),
    exec: (command) =>
      new Promise((resolve, reject) => {
        if (ended) return reject(ended);
        const gone = (): void => reject(ended ?? new ConnectionEnded('unreachable', 'it hung up'));
        client.once('close', gone);
        client.exec(command, (error, channel) => {
          client.off('close', gone);
          if (error) reject(new ConnectionEnded('refused', `no command can be run: ${error.message}`, error));
          // Its end may be in the same packet: who listens later has missed it.
          else resolve({ channel, exit: exitOf(channel) });
        });
      }),
    close: () => client.end(),
  };
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

/** What ssh2 says, in words for the operator. */
function asEnd(error: Error & { level?: string; code?: string }): ConnectionEnded {
  const { message, level, code } = error;
  if (level === 'client-authentication')
    return new ConnectionEnded('refused', 'it takes none of our keys', error);
  if (level === 'agent') return new ConnectionEnded('refused', `agent: ${message}`, error);
  if (level === 'client-timeout')
    return new ConnectionEnded(
      /handshake/i.test(message) ? 'unreachable' : 'timeout',
      /handshake/i.test(message) ? 'it did not let us in in time' : 'it answers no more',
      error,
    );
  const words: Record<string, string> = {
    ECONNREFUSED: 'no sshd listens there',
    EHOSTUNREACH: 'no way to it',
    ENETUNREACH: 'no way to its network',
    ETIMEDOUT: 'no answer',
    ECONNRESET: 'it hung up',
  };
  return new ConnectionEnded('unreachable', words[code ?? ''] ?? message, error);
}
