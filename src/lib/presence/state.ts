import type { Association } from './table.ts';

/** What a seat says of a session. */
export type Verb = 'login' | 'logout' | 'heartbeat';

/** A login and the machine that it is, or wants to be, logged on at. */
export interface Pair {
  login: string;
  hostname: string;
}

/**
 * Who is where, as presencesync has it in memory. `ended` is in the store too; `lapsed` and `heardMs` are not: a restart
 * gives everyone a full timeout anew.
 */
export interface PresenceState {
  byLogin: Map<string, Association>;
  byHostname: Map<string, Association>;
  /** Sessions that logged out or were taken over, as `pairKey`: only a login begins them again. */
  ended: Set<string>;
  /** When each login was last heard of. */
  heardMs: Map<string, number>;
  /** Where logins that expired had been: whoever takes that login or that machine ends the old session for good. */
  lapsed: Map<string, string>;
  lapsedAt: Map<string, string>;
}

/** A step that can be undone. All but `lapse` and `unlapse` are written. */
export type Effect =
  | { type: 'begin' | 'end'; association: Association }
  | { type: 'bury' | 'unbury' | 'lapse' | 'unlapse'; pair: Pair };

const OPPOSITE = {
  begin: 'end',
  end: 'begin',
  bury: 'unbury',
  unbury: 'bury',
  lapse: 'unlapse',
  unlapse: 'lapse',
} as const;

export function invert(effect: Effect): Effect {
  return { ...effect, type: OPPOSITE[effect.type] } as Effect;
}

/** A login holds no blank, and neither does a hostname. */
export function pairKey({ login, hostname }: Pair): string {
  return `${login} ${hostname}`;
}

/** Everyone is as good as heard of now. */
export function makeState(
  associations: readonly Association[],
  ended: readonly Pair[],
  nowMs: number,
): PresenceState {
  const state: PresenceState = {
    byLogin: new Map(),
    byHostname: new Map(),
    ended: new Set(ended.map(pairKey)),
    heardMs: new Map(),
    lapsed: new Map(),
    lapsedAt: new Map(),
  };
  for (const association of associations) applyEffect(state, { type: 'begin', association }, nowMs);
  return state;
}

export function applyEffect(state: PresenceState, effect: Effect, nowMs: number): void {
  switch (effect.type) {
    case 'begin': {
      const { login, hostname } = effect.association;
      state.byLogin.set(login, effect.association);
      state.byHostname.set(hostname, effect.association);
      state.heardMs.set(login, nowMs);
      return;
    }
    case 'end':
      state.byLogin.delete(effect.association.login);
      state.byHostname.delete(effect.association.hostname);
      state.heardMs.delete(effect.association.login);
      return;
    case 'bury':
      state.ended.add(pairKey(effect.pair));
      return;
    case 'unbury':
      state.ended.delete(pairKey(effect.pair));
      return;
    case 'lapse':
      state.lapsed.set(effect.pair.login, effect.pair.hostname);
      state.lapsedAt.set(effect.pair.hostname, effect.pair.login);
      return;
    case 'unlapse':
      state.lapsed.delete(effect.pair.login);
      state.lapsedAt.delete(effect.pair.hostname);
  }
}

/** Notes that a session was heard of. Whether it is one. */
export function renew(state: PresenceState, { login, hostname }: Pair, nowMs: number): boolean {
  if (state.byLogin.get(login)?.hostname !== hostname) return false;
  state.heardMs.set(login, nowMs);
  return true;
}
