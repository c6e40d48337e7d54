/** When a server is told of changes: soon after a single one, rarely during a burst. Pure: the time is passed in, in ms. */
export interface Pace {
  /** How long a first change waits for others of the same moment. */
  settleMs: number;
  /** Between the end of one reload and the next. */
  gapMs: number;
  /** So many changes within `burstWindowMs` are a burst. */
  burstChanges: number;
  burstWindowMs: number;
  /** Between reloads during a burst. */
  burstGapMs: number;
  /** For a server that cannot reload, only restart: never two closer than this. 0: it can reload. */
  minRestartMs: number;
  /** After a failure: doubled by each further one, up to `maxRetryMs`. */
  retryMs: number;
  maxRetryMs: number;
}

/**
 * Somebody who adds machine after machine by hand is under the burst's mark, and waits 10 ms each time. A thousand
 * changes in a second meet three reloads: near their start, in the middle, and after their end.
 */
export const RELOAD_PACE: Pace = {
  settleMs: 10,
  gapMs: 120,
  burstChanges: 8,
  burstWindowMs: 1000,
  burstGapMs: 600,
  minRestartMs: 0,
  retryMs: 500,
  maxRetryMs: 10_000,
};

export interface PaceState {
  /** The newest changes, at most `burstChanges` of them, oldest first. */
  readonly recent: readonly number[];
  /** When the first change came that no reload has begun to cover. */
  readonly pendingSince: number | undefined;
  readonly running: boolean;
  /** When the last reload ended, well or not. */
  readonly endedAt: number | undefined;
  /** Failures in a row that are worth another attempt. */
  readonly failures: number;
}

export const initialPace: PaceState = {
  recent: [],
  pendingSince: undefined,
  running: false,
  endedAt: undefined,
  failures: 0,
};

export type PaceEvent =
  /** Something to apply came in. */
  | { type: 'changed'; at: number }
  /** What was pending is being applied; what comes from now on is pending anew. */
  | { type: 'started'; at: number }
  | { type: 'succeeded'; at: number }
  /** `again`: the same thing may succeed later. Otherwise it waits for the next change. */
  | { type: 'failed'; at: number; again: boolean };

export function stepPace(state: PaceState, event: PaceEvent, pace: Pace): PaceState {
  const { at } = event;
  switch (event.type) {
    case 'changed':
      return {
        ...state,
        recent: [...state.recent, at].slice(-pace.burstChanges),
        pendingSince: state.pendingSince ?? at,
      };
    case 'started':
      return { ...state, pendingSince: undefined, running: true };
    case 'succeeded':
      return { ...state, running: false, endedAt: at, failures: 0 };
    case 'failed':
      return { ...state, running: false, endedAt: at, failures: event.again ? state.failures + 1 : 0 };
  }
}

/**
 * When the next reload is due, given that nothing more happens; undefined while one runs or none is wanted. After a
 * failure a new change does not wait for the next attempt's turn.
 */
export function nextDue(state: PaceState, pace: Pace): number | undefined {
  const { running, pendingSince, endedAt, failures } = state;
  if (running) return undefined;
  const gap = Math.max(isBurst(state, pace) ? pace.burstGapMs : pace.gapMs, pace.minRestartMs);
  const free = endedAt === undefined ? -Infinity : endedAt + gap;
  if (pendingSince !== undefined) return Math.max(pendingSince + pace.settleMs, free);
  if (failures === 0) return undefined;
  const retry = pace.retryMs * 2 ** Math.min(failures - 1, 20);
  return Math.max(endedAt! + Math.min(retry, pace.maxRetryMs), free);
}

function isBurst({ recent }: PaceState, pace: Pace): boolean {
  return recent.length >= pace.burstChanges && recent.at(-1)! - recent[0]! <= pace.burstWindowMs;
}
