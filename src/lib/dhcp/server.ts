import type { RunProgram } from '../apply/programs.ts';
import type { Logger } from '../log.ts';
import type { Config } from '../site/schema.ts';
import type { DhcpPaths } from './paths.ts';
import type { DhcpPlan } from './plan.ts';

/** A DHCP server as mdbdhcp knows it. */
export interface DhcpServer {
  /** Writes and checks its configuration, and makes it serve that. Never called twice at a time. */
  bring(plan: DhcpPlan, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface ServerOptions {
  config: Config;
  paths: DhcpPaths;
  runProgram: RunProgram;
  log: Logger;
}
