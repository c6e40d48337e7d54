/** How far each machine's boot is, as a state machine: events in, states out, the time always passed in. */

export const STAGES = ['address', 'script', 'kernel', 'initramfs', 'up'] as const;
export type Stage = (typeof STAGES)[number];

export interface StageEvent {
  mac: string;
  stage: Stage;
  atMs: number;
  /** The address it has or asks from. */
  ip?: string;
  /** Why it goes no further, or what it boots. */
  note?: string;
  /** Of an address: a lease renewed by a system that runs, not asked for by one that starts. */
  renewal?: boolean;
}

export interface Progress {
  mac: string;
  stage: Stage;
  sinceMs: number;
  ip: string;
  note: string;
}

/** Machines that nobody knows come and go; this many are remembered. */
const MAX_TRACKED = 10_000;
/** A system that has just come up asks for its address again. */
const SETTLE_MS = 60_000;

/** By MAC; once it is well filled, the longest unheard of first. */
export type Tracker = Map<string, Progress>;

/**
 * Takes an event in: the tracker is changed.
 * @returns the machine's new state, or undefined when the event changes nothing
 */
export function track(tracker: Tracker, event: StageEvent): Progress | undefined {
  const { mac, stage, atMs, ip, note = '' } = event;
  const before = tracker.get(mac);
  if (before && !moves(before, event)) return undefined;
  const progress = before ?? { mac, stage, sinceMs: atMs, ip: '', note };
  progress.stage = stage;
  progress.sinceMs = atMs;
  progress.ip = ip ?? progress.ip;
  progress.note = note;
  if (before && tracker.size < MAX_TRACKED / 2) return progress; // its place does not matter yet
  tracker.delete(mac);
  if (tracker.size >= MAX_TRACKED) tracker.delete(tracker.keys().next().value!);
  tracker.set(mac, progress);
  return progress;
}

/** After the clock was set back, what was seen before it is as old as can be, or nothing new would count until it is that time again. */
export function setBack(tracker: Tracker, nowMs: number): void {
  for (const progress of tracker.values()) progress.sinceMs = Math.min(progress.sinceMs, nowMs);
}

/**
 * A script starts a boot anew, whatever was before. An address does so only where the machine was up or had none: the
 * kernel asks for it again in the middle of each boot, and the system renews it while it runs.
 */
function moves(before: Progress, event: StageEvent): boolean {
  if (event.atMs < before.sinceMs) return false;
  switch (event.stage) {
    case 'script':
      return true;
    case 'address':
      if (before.stage === 'address') return before.ip !== event.ip;
      return before.stage === 'up' && !event.renewal && event.atMs - before.sinceMs > SETTLE_MS;
    default:
      return before.stage !== event.stage && before.stage !== 'up';
  }
}

/** Whether a machine is longer at its stage than it should be; never once it is up. */
export function isStuck(
  progress: Progress,
  nowMs: number,
  stuckSeconds: Readonly<Record<Exclude<Stage, 'up'>, number>>,
): boolean {
  return progress.stage !== 'up' && nowMs - progress.sinceMs > stuckSeconds[progress.stage] * 1000;
}

/** A state as `/stages` tells it. */
export interface StageReport {
  /** Empty for a machine that MDB does not know. */
  hostname: string;
  mac: string;
  ip: string;
  stage: Stage;
  /** ISO 8601, UTC. */
  since: string;
  seconds: number;
  stuck: boolean;
  note: string;
}

export function report(
  progress: Progress,
  hostname: string | undefined,
  nowMs: number,
  stuckSeconds: Readonly<Record<Exclude<Stage, 'up'>, number>>,
): StageReport {
  const { mac, ip, stage, sinceMs, note } = progress;
  return {
    hostname: hostname ?? '',
    mac,
    ip,
    stage,
    since: new Date(sinceMs).toISOString(),
    seconds: Math.max(0, Math.floor((nowMs - sinceMs) / 1000)),
    stuck: isStuck(progress, nowMs, stuckSeconds),
    note,
  };
}
