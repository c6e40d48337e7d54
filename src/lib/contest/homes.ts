import { type HomeKey, USUAL } from '../hfs/home-name.ts';
import { type HomeSession, type SessionId, setOfNext } from '../hfs/db/sets.ts';
import type { Facts } from './facts.ts';
import { isContestant } from './internet.ts';
import { CONTEST_SET, phaseAt } from './mode.ts';

/** Somebody who is logged on and has another home than they would get now. */
export interface HomeLag {
  login: string;
  hostname: string;
  /** The set of the home that they have until they log out. */
  has: string;
  wanted: string;
}

/** Whose home is another one until they log in again. Who was given none yet has none to give back. */
export function listHomeLags({ known, mode, homes, config }: Facts, nowMs: number): HomeLag[] {
  return [...known.sessions.values()].flatMap((session) => {
    const { login, hostname } = session;
    const given = givenTo(session, homes.given);
    const group = known.users.get(login)?.group;
    if (given === undefined || group === undefined) return [];
    const contestant = isContestant(config, group);
    const wanted = setOfNext({ chosen: homes.chosen.get(login), contestant, mode }, nowMs);
    return wanted === given.set ? [] : [{ login, hostname, has: given.set, wanted }];
  });
}

/**
 * What the session was given: what presence lost and found again, too, which begins anew at the same machine; and one whose machine
 * got another name.
 */
function givenTo(session: SessionId, all: ReadonlyMap<string, HomeSession>): HomeSession | undefined {
  const given = all.get(session.login);
  return given && (given.hostname === session.hostname || given.since === session.since) ? given : undefined;
}

/** What a contest does to homes. */
export interface HomesPlan {
  /** The set that contestants get. */
  set: string;
  /** Contestants who have one of it already, and those whose is made at their next login. */
  there: number;
  made: number;
  /** Those who keep the one that they work in until they log out. */
  staying: { login: string; hostname: string; has: string }[];
  /** Contestants who get another one than that, since an operator said so. */
  excepted: string[];
}

/** @param wanted the set that is asked for; default: what the row says, or would */
export function planHomes({ known, mode, homes, config }: Facts, nowMs: number, wanted?: string): HomesPlan {
  const set = wanted ?? (phaseAt(mode, nowMs) === 'off' ? CONTEST_SET : mode.homes);
  const contestants = [...known.users].flatMap(([login, { group }]) =>
    isContestant(config, group) ? [login] : [],
  );
  const excepted = contestants.filter((login) => (homes.chosen.get(login) ?? set) !== set);
  const swapped = contestants.filter((login) => !excepted.includes(login));
  const have = new Set(homes.made.flatMap((home: HomeKey) => (home.set === set ? [home.login] : [])));
  const there = swapped.filter((login) => have.has(login)).length;
  const staying = swapped.flatMap((login) => {
    const session = known.sessions.get(login);
    const given = session && givenTo(session, homes.given);
    if (!given || given.set === set) return [];
    return [{ login, hostname: session!.hostname, has: given.set }];
  });
  return { set, there, made: swapped.length - there, staying, excepted };
}

/** @param on whether the contest runs: what it does is done already */
export function describeHomes({ set, there, made, staying, excepted }: HomesPlan, on: boolean): string[] {
  if (set === USUAL) return ['stay as they are'];
  return [
    `${there + made} contestants ${on ? 'have, or get' : 'get'} one of the set ${set} at their next login:`,
    `${made} to be made, ${there} there`,
    ...(staying.length > 0 ? [`${staying.length} keep theirs until they log out: ${names(staying)}`] : []),
    ...(excepted.length > 0 ? [`not ${excepted.join(', ')} (\`prolo hfs choose\`)`] : []),
  ];
}

const names = (people: HomesPlan['staying']): string =>
  people.map(({ login, hostname }) => `${login} (${hostname})`).join(', ');
