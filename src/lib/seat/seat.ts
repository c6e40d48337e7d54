import { asProloError, ProloError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { PresenceAnswer } from '../presence/client.ts';
import type { HomeAddress } from './ask-home.ts';
import type { Identity } from './identity.ts';
import type { SeatSystem } from './system.ts';

/** The one session of a machine: whoever has it, has its home here. */
export interface Session {
  login: string;
  uid: number;
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
  tellPresence(
    verb: 'login' | 'logout' | 'heartbeat',
    pair: { login: string; hostname: string },
  ): Promise<PresenceAnswer>;
  askHome(hfs: number, login: string): Promise<HomeAddress>;
  /** After a change of the session: for the next process of this daemon. */
  remember(session: Session | undefined): void;
  nowMs(): number;
  openMs: number;
}

export type Progress = (text: string) => void;

/** Login and logout at this machine. One thing at a time; each can be repeated, from whatever the last one left. */
export interface Seat {
  /** Lets the person in: presence, the home, the mount. @throws ProloError in a sentence for the person */
  account(login: string, progress: Progress): Promise<void>;
  open(login: string, holder: number, progress: Progress): Promise<void>;
  close(login: string, holder: number): Promise<void>;
  /** Goes on with what an earlier process of this daemon had. */
  resume(remembered: { login: string; holders: number[] } | undefined): Promise<void>;
  heartbeat(): Promise<void>;
  /** Looks whether the home's storage is still there, and whether somebody still holds the session. */
  watch(): Promise<void>;
  readonly session: Session | undefined;
}

export function createSeat(parts: SeatParts): Seat {
  const { log, system } = parts;
  let session: Session | undefined;
  /** What a person is told at the next login: how the last session ended. */
  const lastWords = new Map<string, string>();
  let last: Promise<unknown> = Promise.resolve();
  const inOrder = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work, work);
    last = result.catch(() => undefined);
    return result;
  };
  const pairOf = (login: string) => ({ login, hostname: parts.identity().hostname });
  const remember = (): void => parts.remember(session);

  async function enter(login: string, progress: Progress): Promise<Session> {
    if (session?.login === login && session.mounted && system.isAttached(session.device!)) return session;
    if (session && session.login !== login && holdersOf(session).length > 0)
      throw new ProloError('refused', `${session.login} is still logged on here`);
    if (session && session.login !== login) await leave('another login');
    const uid = await system.uidOf(login);
    if (uid === undefined) throw new ProloError('refused', `${login} is not known on this machine`);

    const { hostname, hfs } = parts.identity();
    const answer = await parts.tellPresence('login', { login, hostname });
    if (answer.status !== 200) throw new ProloError('refused', answer.text);
    const words = lastWords.get(login);
    if (words) progress(words);
    lastWords.delete(login);
    const holders = session?.holders ?? new Set<number>();
    session = { login, uid, mounted: false, holders, undoMs: parts.nowMs() + parts.openMs };
    remember();
    try {
      await mountHome(session, hfs, progress);
    } catch (error) {
      await leave('its home could not be mounted');
      throw error;
    }
    remember();
    return session;
  }

  async function mountHome(one: Session, hfs: number, progress: Progress): Promise<void> {
    const { login, uid } = one;
    await cleanUp(login, uid);
    progress('asking for your home');
    const home = await parts.askHome(hfs, login);
    one.device = await system.attach(home);
    progress('opening your home');
    await system.mount(one.device, login);
    one.mounted = true;
    log.info({ login, device: one.device, hfs }, 'home: mounted');
  }

  /** What an earlier session left: its processes first, since they hold the home. */
  async function cleanUp(login: string, uid: number): Promise<void> {
    const left = system.mounted();
    if (left.some((mount) => mount.login === login)) await system.endProcesses(uid);
    for (const mount of left) await system.unmount(mount.login);
    for (const device of system.attached()) await system.detach(device);
  }

  /** Ends the session, whatever it was in the middle of. */
  async function leave(why: string): Promise<void> {
    const one = session;
    if (!one) return;
    await system.endProcesses(one.uid);
    await system.unmount(one.login);
    if (one.device) await system.detach(one.device);
    session = undefined;
    remember();
    await parts.tellPresence('logout', pairOf(one.login)).catch((error: unknown) =>
      // It expires by itself.
      log.warn({ login: one.login, error: asProloError(error).message }, 'presence: not told of the end'),
    );
    log.info({ login: one.login, why }, 'session: ended');
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
    account: (login, progress) =>
      inOrder(async () => {
        const one = await enter(login, progress);
        one.undoMs = parts.nowMs() + parts.openMs;
      }),
    open: (login, holder, progress) =>
      inOrder(async () => {
        (await enter(login, progress)).holders.add(holder);
        remember();
      }),
    close: (login, holder) =>
      inOrder(async () => {
        if (session?.login !== login) return;
        session.holders.delete(holder);
        remember();
        if (holdersOf(session).length === 0) await leave('logged out');
      }),
    resume: (remembered) =>
      inOrder(async () => {
        const mount = system.mounted().find(({ login }) => login === remembered?.login);
        const uid = remembered && (await system.uidOf(remembered.login));
        if (!remembered || uid === undefined) return cleanUp('', -1);
        const { login } = remembered;
        const holders = new Set(remembered.holders);
        session = { login, uid, mounted: mount !== undefined, holders, undoMs: parts.nowMs() + parts.openMs };
        if (!mount) return leave('found half open');
        session.device = mount.device;
        log.info({ login, device: mount.device }, 'session: found');
      }),
    async heartbeat() {
      const one = session;
      if (!one) return;
      const answer = await parts.tellPresence('heartbeat', pairOf(one.login));
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
