import type { Readable } from 'node:stream';
import type { Mtype } from '../site/schema.ts';

/** A machine as SSH reaches it. */
export interface Target {
  hostname: string;
  /** The address that is connected to; no name is looked up. */
  ip: string;
  port: number;
  user: string;
  mtype: Mtype;
  /** Whose host key it is, however it is called and reached; without: that of the name. */
  mac?: string;
}

/**
 * How it ended at one machine. `ok`: exit status 0. `failed`: another one, or a signal. `timeout`: it did not end in time, or
 * answered no more. `unreachable`: no connection. `refused`: another host key than the known one, or no way to log in.
 * `stopped`: the operator did not wait for it.
 */
export const STATUSES = ['ok', 'failed', 'timeout', 'unreachable', 'refused', 'stopped'] as const;
export type Status = (typeof STATUSES)[number];

export interface Outcome {
  hostname: string;
  status: Status;
  /** Of the command, where it ended by itself. */
  exitCode?: number;
  /** That ended the command, such as `KILL`. */
  signal?: string;
  /** In words, where it is neither `ok` nor an exit status. */
  reason?: string;
  ms: number;
}

export type Stream = 'stdout' | 'stderr';

/** Where output goes as it comes. The machine is read no faster than this resolves. */
export interface Sink {
  write(hostname: string, stream: Stream, chunk: Buffer): void | Promise<void>;
  /** Once for each machine, after all its output. */
  end(outcome: Outcome): void | Promise<void>;
}

/** What runs at each machine. */
export interface Job {
  /** For the login shell over there, as it is. */
  command: string;
  /** The command's standard input, all of it; a function gives each machine a stream of its own. undefined: none. */
  input?: Buffer | ((target: Target) => Readable);
}

/** What SSH says an exit status is where there was no command to end: as OpenSSH's own client. */
export const NO_COMMAND_STATUS = 255;
/** As coreutils' `timeout`. */
export const TIMEOUT_STATUS = 124;

/** The exit status that one machine's outcome counts for; the whole run's is the highest. */
export function exitStatusOf({ status, exitCode }: Outcome): number {
  if (status === 'ok') return 0;
  if (status === 'timeout') return TIMEOUT_STATUS;
  if (status === 'failed') return exitCode ?? NO_COMMAND_STATUS;
  return NO_COMMAND_STATUS;
}
