import type { Group, Mtype } from '../site/schema.ts';
import { type Effect, type Pair, pairKey, type PresenceState } from './state.ts';
import type { Association } from './table.ts';

/** What MDB and UDB say. */
export interface Directory {
  machine(hostname: string): { ip: string; mtype: Mtype } | undefined;
  group(login: string): Group | undefined;
}

/** SADM's words, as its metric counts them, and three of our own. */
export type Reason =
  | 'already_logged'
  | 'busy'
  | 'machine_not_registered'
  | 'user_not_registered'
  | 'user_not_allowed'
  | 'ended'
  | 'not_logged'
  | 'wrong_address';

export interface Refusal {
  reason: Reason;
  /** A sentence for whom it concerns. */
  text: string;
}

/** A line for the audit. */
export interface Note {
  action: 'login' | 'logout' | 'expired' | 'removed' | 'renamed' | 'refused';
  pair: Pair;
  /** Whose address it came from, or the machine's. */
  ip: string;
  text?: string;
}

/** What is to be done, in order; a refusal may have effects too. */
export interface Decision {
  effects: Effect[];
  notes: Note[];
  refusal?: Refusal;
}

/** Who asks, and when (ISO 8601, UTC). */
export interface Asked {
  ip: string;
  at: string;
}

const NOTHING: Decision = { effects: [], notes: [] };

/** A person wants to log on. Where that login already is on that machine, it is all right. */
export function decideLogin(
  state: PresenceState,
  directory: Directory,
  pair: Pair,
  { ip, at }: Asked,
): Decision {
  if (state.byLogin.get(pair.login)?.hostname === pair.hostname) return NOTHING;
  const refusal = refuse(state, directory, pair);
  if (refusal) return refused(refusal, pair, ip);
  return { effects: beginEffects(state, directory, pair, at), notes: [{ action: 'login', pair, ip }] };
}

/**
 * A seat says that a session goes on. It makes an association where both are free, since a site's presence may have been
 * lost; it never revives a session that has ended, and one whose place was taken is ended for good.
 */
export function decideHeartbeat(
  state: PresenceState,
  directory: Directory,
  pair: Pair,
  { ip, at }: Asked,
): Decision {
  if (state.byLogin.get(pair.login)?.hostname === pair.hostname) return NOTHING;
  if (state.ended.has(pairKey(pair)))
    return refused(
      { reason: 'ended', text: `your session at ${pair.hostname} has ended: log in again` },
      pair,
      ip,
    );
  const refusal = refuse(state, directory, pair);
  if (!refusal)
    return { effects: beginEffects(state, directory, pair, at), notes: [{ action: 'login', pair, ip, text: 'by a heartbeat' }] }; // prettier-ignore
  const takenOver = refusal.reason === 'already_logged' || refusal.reason === 'busy';
  return { ...refused(refusal, pair, ip), effects: takenOver ? [{ type: 'bury', pair }] : [] };
}

/** A session ends. One that is not there is noted as ended too: a heartbeat of it may still be on its way. */
export function decideLogout(
  state: PresenceState,
  directory: Directory,
  pair: Pair,
  { ip }: Pick<Asked, 'ip'>,
): Decision {
  const association = state.byLogin.get(pair.login);
  const known = directory.group(pair.login) !== undefined && directory.machine(pair.hostname) !== undefined;
  const bury: Effect[] =
    state.ended.has(pairKey(pair)) || !(association?.hostname === pair.hostname || known)
      ? []
      : [{ type: 'bury', pair }];
  if (association?.hostname === pair.hostname)
    return { effects: [{ type: 'end', association }, ...bury], notes: [{ action: 'logout', pair, ip }] };
  const text = association
    ? `${pair.login} is logged on at ${association.hostname}, not at ${pair.hostname}`
    : `${pair.login} is not logged on`;
  return { ...refused({ reason: 'not_logged', text }, pair, ip), effects: bury };
}

/** Ends what was not heard of for so long. */
export function decideExpiry(state: PresenceState, nowMs: number, timeoutMs: number): Decision {
  const gone: Association[] = [];
  for (const [login, heardMs] of state.heardMs)
    if (nowMs - heardMs >= timeoutMs) gone.push(state.byLogin.get(login)!);
  return {
    effects: gone.flatMap((association): Effect[] => [
      { type: 'end', association },
      { type: 'lapse', pair: association },
    ]),
    notes: gone.map((association) => ({ action: 'expired', pair: pairOf(association), ip: association.ip })),
  };
}

/**
 * Sessions go on at machines that got another name.
 * @param renamed new names by old ones: two machines may have changed theirs with each other
 */
export function decideRenamed(state: PresenceState, renamed: ReadonlyMap<string, string>): Decision {
  const moved = [...state.byLogin.values()].flatMap((before) => {
    const hostname = renamed.get(before.hostname);
    return hostname === undefined ? [] : [{ before, after: { ...before, hostname } }];
  });
  return {
    effects: [
      ...moved.map(({ before }): Effect => ({ type: 'end', association: before })),
      ...moved.map(({ after }): Effect => ({ type: 'begin', association: after })),
    ],
    notes: moved.map(({ before, after }) => ({
      ...{ action: 'renamed', pair: pairOf(after), ip: after.ip },
      text: `it was ${before.hostname}`,
    })),
  };
}

/** Ends the sessions of users and machines that are no longer there. A user's is over; a machine may come back. */
export function decideGone(state: PresenceState, directory: Directory): Decision {
  const effects: Effect[] = [];
  const notes: Note[] = [];
  for (const association of state.byLogin.values()) {
    const pair = pairOf(association);
    const [user, machine] = [directory.group(pair.login), directory.machine(pair.hostname)];
    if (user !== undefined && machine) continue;
    effects.push({ type: 'end', association });
    if (user === undefined) effects.push({ type: 'bury', pair });
    const text = user === undefined ? 'not in UDB any more' : 'its machine is not in MDB any more';
    notes.push({ action: 'removed', pair, ip: association.ip, text });
  }
  return { effects, notes };
}

function refuse(state: PresenceState, directory: Directory, { login, hostname }: Pair): Refusal | undefined {
  const group = directory.group(login);
  if (group === undefined)
    return { reason: 'user_not_registered', text: `${login} is not in UDB: ask an organiser` };
  const machine = directory.machine(hostname);
  if (!machine)
    return { reason: 'machine_not_registered', text: `${hostname} is not in MDB: ask an organiser` };
  const elsewhere = state.byLogin.get(login);
  if (elsewhere) return { reason: 'already_logged', text: `you are logged on at ${elsewhere.hostname}` };
  const other = state.byHostname.get(hostname);
  if (other) return { reason: 'busy', text: `${other.login} is logged on at ${hostname}` };
  if (group === 'user' && machine.mtype !== 'user')
    return {
      reason: 'user_not_allowed',
      text: `${hostname} is not for contestants: it is a machine of type ${machine.mtype}`,
    };
  return undefined;
}

function beginEffects(state: PresenceState, directory: Directory, pair: Pair, at: string): Effect[] {
  const { login, hostname } = pair;
  const effects: Effect[] = [];
  if (state.ended.has(pairKey(pair))) effects.push({ type: 'unbury', pair });
  const supersede = (lapsed: Pair): void => {
    effects.push({ type: 'unlapse', pair: lapsed });
    const key = pairKey(lapsed);
    if (key !== pairKey(pair) && !state.ended.has(key)) effects.push({ type: 'bury', pair: lapsed });
  };
  const before = state.lapsed.get(login);
  if (before !== undefined) supersede({ login, hostname: before });
  const whose = state.lapsedAt.get(hostname);
  if (whose !== undefined && whose !== login) supersede({ login: whose, hostname });
  const { ip } = directory.machine(hostname)!;
  effects.push({ type: 'begin', association: { login, hostname, ip, since: at } });
  return effects;
}

function refused(refusal: Refusal, pair: Pair, ip: string): Decision {
  return { effects: [], notes: [{ action: 'refused', pair, ip, text: refusal.text }], refusal };
}

function pairOf({ login, hostname }: Pair): Pair {
  return { login, hostname };
}
