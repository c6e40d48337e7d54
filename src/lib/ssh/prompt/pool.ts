import { connect, type Connection, ConnectionEnded, type Connector } from '../connect.ts';
import { fanOut } from '../fan-out.ts';
import type { Job, Outcome, Sink, Status, Target } from '../protocol.ts';
import { type CommandLimits, runCommand } from '../run-command.ts';
import { createSlots } from './slots.ts';

/** `connecting` is the first attempt; a machine that went stays `down`, and says why, until it is back. */
export type MachineState =
  { is: 'connecting' } | { is: 'up' } | { is: 'down'; status: Status; reason: string };

export interface PoolOptions {
  connector: Connector;
  /** Connections that are made at once, and machines that run a command at once. */
  fanout: number;
  /** The pause before a machine is tried again; it doubles with each failure. */
  retryMs?: number;
  maxRetryMs?: number;
  onChange?: (hostname: string, state: MachineState) => void;
}

/** Machines whose connections are kept: each command takes a round trip, not a handshake. */
export interface Pool {
  readonly states: ReadonlyMap<string, MachineState>;
  /** Which machines: connections to those that stay are kept, the others' are closed, new ones are made. */
  select(targets: readonly Target[]): void;
  /** Resolves when each machine is up or down. */
  settled(): Promise<void>;
  /** Runs it at all that are up, after the first attempts; the others' outcome is why they are down. */
  run(job: Job, sink: Sink, limits: CommandLimits): Promise<Outcome[]>;
  close(): void;
}

interface Member {
  target: Target;
  state: MachineState;
  connection?: Connection;
  /** Aborted when it is no longer selected. */
  left: AbortController;
  pauseMs: number;
  retry?: NodeJS.Timeout;
}

export function createPool({
  connector,
  fanout,
  retryMs = 1000,
  maxRetryMs = 15_000,
  onChange = () => undefined,
}: PoolOptions): Pool {
  const members = new Map<string, Member>();
  const states = new Map<string, MachineState>();
  const slots = createSlots(fanout);
  let waiting: (() => void)[] = [];

  const tellSettled = (): void => {
    if (waiting.length === 0 || [...states.values()].some(({ is }) => is === 'connecting')) return;
    const resolves = waiting;
    waiting = [];
    for (const resolve of resolves) resolve();
  };
  const set = (member: Member, state: MachineState): void => {
    if (member.left.signal.aborted) return;
    member.state = state;
    states.set(member.target.hostname, state);
    onChange(member.target.hostname, state);
    tellSettled();
  };

  /** Tries it once; afterwards it is up, or down and tried again after a pause. */
  const attempt = async (member: Member): Promise<void> => {
    const { signal } = member.left;
    try {
      const connection = await slots(() => connect(member.target, connector, signal));
      if (signal.aborted) return connection.close();
      member.connection = connection;
      member.pauseMs = retryMs;
      void connection.end.then((why) => {
        if (member.connection === connection) goDown(member, why);
      });
      set(member, { is: 'up' });
    } catch (error) {
      goDown(member, error);
    }
  };
  const goDown = (member: Member, error: unknown): void => {
    delete member.connection;
    if (member.left.signal.aborted) return;
    const status = error instanceof ConnectionEnded ? error.status : 'unreachable';
    const reason = (error as Error).message;
    if (member.state.is !== 'down' || member.state.reason !== reason)
      set(member, { is: 'down', status, reason });
    member.retry = setTimeout(() => void attempt(member), member.pauseMs);
    member.pauseMs = Math.min(member.pauseMs * 2, maxRetryMs);
  };

  const leave = (member: Member): void => {
    member.left.abort();
    clearTimeout(member.retry);
    member.connection?.close();
    members.delete(member.target.hostname);
    states.delete(member.target.hostname);
  };

  const runAt = async (member: Member, job: Job, sink: Sink, limits: CommandLimits): Promise<Outcome> => {
    const { hostname } = member.target;
    for (let isNew = false; ; isNew = true) {
      const { connection, state } = member;
      if (!connection)
        return state.is === 'down'
          ? { hostname, status: state.status, reason: state.reason, ms: 0 }
          : { hostname, status: 'stopped', reason: 'not connected yet', ms: 0 };
      const outcome = await runCommand(connection, job, sink, limits);
      // Commands that nobody waited for count for sshd's MaxSessions as long as they run: another connection has none.
      if (outcome.status !== 'refused' || connection.ended || isNew || limits.signal?.aborted) return outcome;
      delete member.connection;
      connection.close();
      await attempt(member);
    }
  };

  const settled = (): Promise<void> =>
    new Promise((resolve) => {
      waiting.push(resolve);
      tellSettled();
    });

  return {
    states,
    settled,
    select(targets) {
      const wanted = new Map(targets.map((target) => [target.hostname, target]));
      for (const member of [...members.values()]) {
        const target = wanted.get(member.target.hostname);
        if (target?.ip !== member.target.ip || target.port !== member.target.port) leave(member);
      }
      const added = targets.filter(({ hostname }) => !members.has(hostname));
      for (const target of added) {
        const state: MachineState = { is: 'connecting' };
        const member: Member = { target, state, left: new AbortController(), pauseMs: retryMs };
        members.set(target.hostname, member);
        states.set(target.hostname, state);
        void attempt(member);
      }
      tellSettled();
    },
    async run(job, sink, limits) {
      const asked = [...members.values()];
      await orAborted(settled(), limits.signal);
      const outcomes: Outcome[] = [];
      const work = async (member: Member): Promise<void> => {
        const outcome = await runAt(member, job, sink, limits);
        outcomes.push(outcome);
        await sink.end(outcome);
      };
      await fanOut(asked, work, { atOnce: fanout });
      return outcomes;
    },
    close() {
      for (const member of [...members.values()]) leave(member);
      tellSettled();
    },
  };
}

/** Resolves with the work, or with the operator who waits no longer. */
async function orAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return work;
  let stop: () => void = () => undefined;
  const aborted = new Promise<void>((resolve) => {
    stop = resolve;
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', stop);
  });
  await Promise.race([work, aborted]);
  signal.removeEventListener('abort', stop);
}
