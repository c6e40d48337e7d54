import { type ContestMode, phaseAt } from '../../contest/mode.ts';
import { USUAL } from '../home-name.ts';

/** A session of presence, as it can be told from the one before it. */
export interface SessionId {
  login: string;
  hostname: string;
  /** ISO 8601, UTC */
  since: string;
}

/** What hfsdb gave a session; of each login the last one. */
export type HomeSession = SessionId & { set: string };

/** What decides between the homes of one person. */
export interface SetFacts {
  /** Where presence has them now. */
  session: SessionId | undefined;
  given: HomeSession | undefined;
  /** An operator's word. */
  chosen: string | undefined;
  /** Whether they are of those that the contest concerns. */
  contestant: boolean;
  mode: ContestMode;
}

/** The set that a person's next session gets. */
export function setOfNext(
  { chosen, contestant, mode }: Omit<SetFacts, 'session' | 'given'>,
  nowMs: number,
): string {
  return chosen ?? (contestant && phaseAt(mode, nowMs) === 'on' ? mode.homes : USUAL);
}

/**
 * The set of the home that is asked for. A session that was given one keeps it until it ends, however often it asks, and
 * whatever begins or ends meanwhile.
 */
export function setOfSession(facts: SetFacts, nowMs: number): string {
  const { session, given } = facts;
  return session && given && isSameSession(session, given) ? given.set : setOfNext(facts, nowMs);
}

/** Of one login. */
export const isSameSession = (one: SessionId, other: SessionId): boolean =>
  one.hostname === other.hostname && one.since === other.since;

/**
 * Whether somebody who is logged on may have that home, or may be just about to get it. A session that presence lost and
 * found again is another one to this: then either home counts as in use.
 */
export function mayBeInUse(
  set: string,
  session: SessionId | undefined,
  given: HomeSession | undefined,
): boolean {
  if (!session) return false;
  return !given || !isSameSession(session, given) || given.set === set;
}
