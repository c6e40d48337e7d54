import { printable } from '../cli/table.ts';
import { ProloError } from '../errors.ts';
import type { Outcome, Status, Target } from './protocol.ts';

/** As much of a machine's own words as fits in a line of ours. */
const MAX_REASON = 300;

/** Why a machine did not let us in, or is there no more. Whatever it said itself cannot move the cursor. */
export class ConnectionEnded extends ProloError {
  readonly status: Extract<Status, 'unreachable' | 'refused' | 'timeout' | 'stopped'>;
  constructor(status: ConnectionEnded['status'], reason: string, cause?: unknown) {
    super('unavailable', printable(reason.slice(0, MAX_REASON)), { cause });
    this.status = status;
  }
}

export function outcomeOfEnd({ target }: { target: Target }, error: unknown, ms: number): Outcome {
  const { status, message } = asEnd(error);
  return { hostname: target.hostname, status, reason: message, ms };
}

/** What ssh2 or a socket throws: `code` is a socket's, or the number that a server gave its disconnection. */
type SshError = Error & { level?: string; code?: string | number };

const SOCKET_WORDS: Record<string, string> = {
  ECONNREFUSED: 'no sshd listens there',
  EHOSTUNREACH: 'no way to it: is it on?',
  ENETUNREACH: 'no way to its network',
  ETIMEDOUT: 'it does not answer',
  ECONNRESET: 'it hung up',
  EPIPE: 'it hung up',
};

/** SSH_DISCONNECT_… that say that we do not get in, whatever we do. */
const NO_LOGIN_CODES = new Set<string | number | undefined>([2, 13, 14, 15]);

/**
 * What ssh2 says, in words for the operator.
 * @param login who tried, and what was wrong with our keys, while we were not in yet
 */
export function asEnd(
  thrown: unknown,
  login?: { user: string; trouble: string | undefined },
): ConnectionEnded {
  if (thrown instanceof ConnectionEnded) return thrown;
  const error = thrown as SshError;
  const { message, level, code } = error;
  const trouble = login?.trouble ? `; ${login.trouble}` : '';
  if (level === 'client-authentication')
    return new ConnectionEnded('refused', `it takes no key of ours for ${login?.user}${trouble}`, error);
  if (level === 'client-timeout') return new ConnectionEnded('timeout', 'it answers no more', error);
  const [, what] = /^Handshake failed: no matching (.*)$/.exec(message) ?? [];
  if (what) return new ConnectionEnded('refused', `it and we have no ${what} in common`, error);
  if (typeof code === 'number' && login && NO_LOGIN_CODES.has(code))
    return new ConnectionEnded('refused', `it does not let ${login.user} in: ${message}${trouble}`, error);
  if (typeof code === 'number') return new ConnectionEnded('unreachable', `it hung up: ${message}`, error);
  if (code) return new ConnectionEnded('unreachable', SOCKET_WORDS[code] ?? message, error);
  return new ConnectionEnded('unreachable', `it breaks SSH's rules: ${message}`, error);
}
