import { connect } from 'node:net';
import { foldNodeset } from '../nodeset-fold.ts';

/** `up`: its sshd answers. `on`: something answers there, but no sshd. `silent`: nothing does. */
export const STATES = ['up', 'on', 'silent'] as const;
export type State = (typeof STATES)[number];

export interface Answer {
  hostname: string;
  ip: string;
  state: State;
  /** Until sshd's banner had come; where it did. */
  ms?: number;
  /** Why it is not up. */
  reason?: string;
}

/** What a server may say before its banner, as RFC 4253 lets it. */
const MAX_PREFACE_BYTES = 8192;

/** Asks the port of sshd whether a machine is there. Nothing is logged on. */
export function ping(
  { hostname, ip }: { hostname: string; ip: string },
  { port, timeoutMs, signal }: { port: number; timeoutMs: number; signal?: AbortSignal },
): Promise<Answer> {
  return new Promise((resolve) => {
    const startedMs = performance.now();
    const socket = connect({ host: ip, port });
    let isConnected = false;
    let text = '';
    const answer = (state: State, reason?: string): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.destroy();
      const ms = Math.round((performance.now() - startedMs) * 10) / 10;
      resolve({ hostname, ip, state, ...(reason === undefined ? { ms } : { reason }) });
    };
    const noBanner = (reason: string): void =>
      answer(isConnected ? 'on' : 'silent', isConnected ? reason : 'no answer');
    const timer = setTimeout(() => noBanner('its sshd says nothing'), timeoutMs);
    const onAbort = (): void => answer('silent', 'not waited for');
    socket.once('connect', () => (isConnected = true));
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      if (/^SSH-[^\n]*\n/m.test(text)) answer('up');
      else if (text.length > MAX_PREFACE_BYTES) answer('on', 'what answers there is no sshd');
    });
    socket.once('end', () => noBanner(text ? 'what answers there is no sshd' : 'its sshd hung up'));
    socket.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED') answer('on', 'no sshd listens there');
      else if (code === 'ECONNRESET' || isConnected) answer('on', 'its sshd hung up');
      else if (code === 'ENETUNREACH') answer('silent', 'no way to its network');
      else if (code === 'ETIMEDOUT' || code === 'EHOSTUNREACH') answer('silent', 'no answer');
      else answer('silent', message);
    });
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort);
  });
}

/** Machines that answered alike. */
export interface AnswerGroup {
  state: State;
  reason?: string;
  /** Folded. */
  names: string;
  count: number;
  /** Of those that are up. */
  medianMs?: number;
  slowestMs?: number;
}

/** Those that are up first, then by state and reason, the largest group first. */
export function groupAnswers(answers: readonly Answer[]): AnswerGroup[] {
  const groups = new Map<string, Answer[]>();
  for (const answer of answers) {
    const key = `${answer.state} ${answer.reason ?? ''}`;
    const group = groups.get(key);
    if (group) group.push(answer);
    else groups.set(key, [answer]);
  }
  return [...groups.values()]
    .map((group) => {
      const { state, reason } = group[0]!;
      const times = group.flatMap(({ ms }) => (ms === undefined ? [] : [ms])).sort((a, b) => a - b);
      return {
        state,
        ...(reason === undefined ? {} : { reason }),
        names: foldNodeset(group.map(({ hostname }) => hostname)),
        count: group.length,
        ...(times.length > 0
          ? { medianMs: times[Math.floor((times.length - 1) / 2)]!, slowestMs: times.at(-1)! }
          : {}),
      };
    })
    .sort((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state) || b.count - a.count);
}
