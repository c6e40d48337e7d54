import { asProloError, ProloError } from '../errors.ts';
import { createLock } from '../locks.ts';
import type { Logger } from '../log.ts';
import type { PresenceAnswer } from '../presence/client.ts';
import type { Pair, Verb } from '../presence/state.ts';
import type { HomeAddress } from './ask-home.ts';
import type { Identity } from './identity.ts';
import type { SeatSystem } from './system.ts';

/** The one session of a machine: whoever has it, has its home here. */
export interface Session {
  login: string;
  uid: number;
  /** As presence knows this machine. */
  hostname: string;
  /** Of its home, once it is attached. */
  device?: string;
  mounted: boolean;
  /** Processes that hold the session open: PAM's, one for each way in. */
  holders: Set<number>;
  /** When it may be undone, if nobody holds it by then: performance.now(). */
  undoMs: number;
}

export interface SeatParts {
  log: Logger;
  system: SeatSystem;
  /** Who this machine is, as MDB said last. @throws ProloError where it did not yet */
  identity(): Identity;
  tellPresence(verb: Verb, pair: Pair): Promise<PresenceAnswer>;
  askHome(hfs: number, login: string): Promise<HomeAddress>;
  /** After a change of the session: for the next process of this daemon. */
  remember(session: Session | undefined): Promise<void>;
  nowMs(): number;
  openMs: number;
}

/** Somebody who waits for an answer. */
export interface Caller {
  progress(text: string): void;
  /** Whether nobody waits any more: a login that was given up must not hold the seat. */
  gone(): boolean;
}

/** What the next process of this daemon has to know of a session; the rest it sees. */
export type Remembered = Pick<Session, 'login' | 'hostname'> & { holders: number[] };

/** How far a login comes: each is what was done last. */
export const LOGIN_STEPS = ['asked', 'known', 'answered', 'granted', 'given', 'attached', 'mounted'] as const;
export type LoginStep = (typeof LOGIN_STEPS)[number];

/** For the doctor: the newest login that was tried here. */
export interface LastTry {
  login: string;
  reached: LoginStep;
  /** Why it came no further. */
  said?: string;
  /** How many were tried before. */
  number: number;
}

/** Login and logout at this machine. One thing at a time; each can be repeated, from whatever the last one left. */
export interface Seat {
  /** Lets the person in: presence, the home, the mount. @throws ProloError in a sentence for the person */
  account(login: string, caller: Caller): Promise<void>;
  open(login: string, holder: number, caller: Caller): Promise<void>;
  /** The session ends with the last of those that hold it. */
  close(login: string, holder: number): Promise<void>;
  /** Goes on with what an earlier process of this daemon had. */
  resume(remembered: Remembered | undefined): Promise<void>;
  heartbeat(): Promise<void>;
  /** Looks whether the home's storage is still there, and whether somebody still holds the session. */
  watch(): Promise<void>;
  readonly session: Session | undefined;
  readonly lastTry: LastTry | undefined;
}

export function createSeat(parts: SeatParts): Seat {
  const { log, system } = parts;
  let session: Session | undefined;
  /** What a person is told at the next login: how the last session ended. */
  const lastWords = new Map<string, string>();
  const inOrder = createLock();
  let lastTry: LastTry | undefined;
  const reached = (step: LoginStep): void => void (lastTry && (lastTry.reached = step));
  const remember = (): Promise<void> => parts.remember(session);

  async function enter(login: string, caller: Caller): Promise<Session> {
    lastTry = { login, reached: 'asked', number: (lastTry?.number ?? 0) + 1 };
    try {
      return await enterInSteps(login, caller);
    } catch (error) {
      lastTry.said = asProloError(error).message;
      throw error;
    }
  }

  async function enterInSteps(login: string, caller: Caller): Promise<Session> {
    if (caller.gone()) throw new ProloError('refused', 'the login was given up');
    if (session?.login === login && session.mounted && system.isAttached(session.device!)) {
      reached('mounted');
      return session;
    }
    if (session && session.login !== login) {
      if (holdersOf(session).length > 0)
        throw new ProloError('refused', `${session.login} is still logged on here`);
      if (isComing(session))
        throw new ProloError('refused', `${session.login} is logging on here: try again in a minute`);
      await leave('another login');
    }
    const uid = await system.uidOf(login);
    if (uid === undefined) throw new ProloError('refused', `${login} is not known on this machine`);
    reached('known');

    const { hostname, hfs } = parts.identity();
    const answer = await parts.tellPresence('login', { login, hostname }).catch((cause: unknown) => {
      log.error({ login, error: asProloError(cause).message }, 'presence: does not answer');
      throw new ProloError('unavailable', 'the gateway does not answer, so nobody can log in now', {
        hint: 'ask an organiser',
        cause,
      });
    });
    reached('answered');
    if (answer.status !== 200)
      throw new ProloError('refused', answer.text || 'the gateway refuses the login');
    reached('granted');
    const holders = session?.holders ?? new Set<number>();
    session = { login, uid, hostname, mounted: false, holders, undoMs: parts.nowMs() + parts.openMs };
    await remember();
    try {
      await mountHome(session, hfs, caller);
    } catch (error) {
      await leave('its home could not be mounted');
      throw error;
    }
    const words = lastWords.get(login);
    if (words) caller.progress(words);
    lastWords.delete(login);
    return session;
  }

  /** Let in, and on the way to the session: PAM asks for the account first. */
  const isComing = (one: Session): boolean => one.holders.size === 0 && one.undoMs > parts.nowMs();

  async function mountHome(one: Session, hfs: number, caller: Caller): Promise<void> {
    const { login, uid } = one;
    await cleanUp(login, uid);
    caller.progress('asking for your home');
    const home = await parts.askHome(hfs, login);
    reached('given');
    one.device = await system.attach(home);
    reached('attached');
    caller.progress('opening your home');
    await system.mount(one.device, login);
    one.mounted = true;
    reached('mounted');
    log.info({ login, device: one.device, hfs }, 'home: mounted');
  }

  /** What an earlier session left: its processes first, since they hold the home. */
  async function cleanUp(login: string, uid: number): Promise<void> {
    const left = system.mounted();
    if (left.some((mount) => mount.login === login)) await system.endProcesses(uid);
    for (const mount of left) await system.unmount(mount.login);
    for (const device of system.attached()) await system.detach(device);
  }

  /** Ends the session, whatever it was in the middle of. What cannot be undone now is in the way of no other step. */
  async function leave(why: string): Promise<void> {
    const one = session;
    if (!one) return;
    const step = async (what: string, work: () => Promise<unknown>): Promise<void> => {
      await work().catch((error: unknown) =>
        log.warn({ login: one.login, error: asProloError(error).message }, `session: ${what}`),
      );
    };
    await step('its processes were not ended', () => system.endProcesses(one.uid));
    await step('its home was not unmounted', () => system.unmount(one.login));
    if (one.device) await step('its device was not freed', () => system.detach(one.device!));
    session = undefined;
    await remember();
    // Where the gateway is away, presence ends by itself.
    const { login, hostname } = one;
    await step('presence was not told of the end', () => parts.tellPresence('logout', { login, hostname }));
    log.info({ login, why }, 'session: ended');
  }

  /** Ends it, and tells the person why: on the terminals now, and at the next login. */
  async function endWith(one: Session, words: string): Promise<void> {
    log.error({ login: one.login, words }, 'session: lost');
    lastWords.set(one.login, words);
    system.tell(one.uid, words);
    await leave(words);
  }

  function holdersOf(one: Session): number[] {
    return [...one.holders].filter((pid) => system.isAlive(pid));
  }

  return {
    get session() {
      return session;
    },
    get lastTry() {
      return lastTry;
    },
    account: (login, caller) =>
      inOrder(async () => {
        const one = await enter(login, caller);
        one.undoMs = parts.nowMs() + parts.openMs;
      }),
    open: (login, holder, caller) =>
      inOrder(async () => {
        const one = await enter(login, caller);
        if (caller.gone()) return; // undone in time
        one.holders.add(holder);
        await remember();
      }),
    close: (login, holder) =>
      inOrder(async () => {
        // The end of a session that was lost may come when the next one has been let in, and is not held yet.
        if (session?.login !== login || session.holders.size === 0) return;
        if (holdersOf(session).every((pid) => pid === holder)) return leave('logged out');
        session.holders.delete(holder);
        await remember();
      }),
    resume: (remembered) =>
      inOrder(async () => {
        const mount = system.mounted().find(({ login }) => login === remembered?.login);
        const uid = remembered && (await system.uidOf(remembered.login));
        if (!remembered || uid === undefined) return cleanUp('', -1);
        const { login, hostname } = remembered;
        const holders = new Set(remembered.holders);
        const undoMs = parts.nowMs() + parts.openMs;
        session = { login, uid, hostname, mounted: mount !== undefined, holders, undoMs };
        if (!mount) {
          await leave('found half open');
          return cleanUp('', -1); // a device that was attached, and not mounted
        }
        session.device = mount.device;
        log.info({ login, device: mount.device }, 'session: found');
      }),
    async heartbeat() {
      const one = session;
      if (!one) return;
      const { login, hostname } = one;
      const answer = await parts.tellPresence('heartbeat', { login, hostname });
      if (answer.status !== 423) return;
      await inOrder(async () => {
        if (session === one) await endWith(one, `Your session here has ended: ${answer.text}.`);
      });
    },
    watch: () =>
      inOrder(async () => {
        const one = session;
        if (!one?.mounted) return;
        if (!system.isAttached(one.device!))
          await endWith(one, 'The storage of your home was lost, so your session had to end. Log in again.');
        else if (one.undoMs < parts.nowMs() && holdersOf(one).length === 0) await leave('nobody holds it');
      }),
  };
}
