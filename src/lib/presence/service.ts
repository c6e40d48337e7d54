import type { Logger } from '../log.ts';
import type { Site } from '../site/site.ts';
import type { Store } from '../store/store.ts';
import {
  type Asked,
  type Decision,
  decideExpiry,
  decideGone,
  decideHeartbeat,
  decideLogin,
  decideLogout,
  decideRenamed,
  type Directory,
  type Note,
  type Refusal,
} from './decide.ts';
import { followDirectory } from './directory.ts';
import { type Ledger, openLedger } from './ledger.ts';
import { createListeningClock } from './listening-clock.ts';
import { createRefusalLog } from './refusal-log.ts';
import { isGateway } from './request.ts';
import { type Pair, type PresenceState, renew, type Verb } from './state.ts';

/** Who is where: what presencesync does, whatever it is asked over. */
export interface Presence {
  readonly ledger: Ledger;
  /**
   * @param ip who asks
   * @throws ProloError when it cannot be written
   */
  ask(verb: Verb, pair: Pair, ip: string): Promise<Refusal | undefined>;
  /** Ends what has expired. */
  removeExpired(): Promise<void>;
  /** Whether UDB has that login. */
  isUser(login: string): boolean;
  stop(): Promise<void>;
}

const DECIDE: Record<
  Verb,
  (state: PresenceState, directory: Directory, pair: Pair, asked: Asked) => Decision
> = {
  login: decideLogin,
  logout: decideLogout,
  heartbeat: decideHeartbeat,
};

/** How long a refusal that comes again is only counted. Heartbeats that are refused come again and again. */
const REFUSED_MS = { login: 10_000, logout: 10_000, heartbeat: 600_000 };

export async function openPresence(
  site: Site,
  store: Store,
  log: Logger,
  onDecision: (decision: Decision) => void,
): Promise<Presence> {
  const timeoutMs = site.config.presence.timeoutSeconds * 1000;
  const tickMs = Math.min(1000, timeoutMs / 10);
  const clock = createListeningClock(tickMs, () => performance.now());
  const ledger = await openLedger(store, log, clock.nowMs);
  const guards = {
    seat: createRefusalLog<Note>(REFUSED_MS.login),
    beat: createRefusalLog<Note>(REFUSED_MS.heartbeat),
  };
  let ready = false;
  const directory = await followDirectory(store, {
    pollMs: site.config.feed.pollMs,
    log,
    onChange(renamed) {
      if (!ready) return;
      if (renamed.size > 0) void sweep((state) => decideRenamed(state, renamed));
      void sweep(decideGoneNow);
    },
  });

  /**
   * The machine that is meant. A seat goes by the name that it had when its session began, and may have got another one since: then
   * its address says who it is.
   */
  const hostnameOf = (verb: Verb, { login, hostname: name }: Pair, ip: string): string => {
    const speaker = isGateway(ip) ? undefined : directory.hostnameAt(ip);
    const isOld = verb !== 'login' && ledger.state.byLogin.get(login)?.hostname === speaker;
    if (speaker !== undefined && (isOld || !directory.machine(name))) return speaker;
    return directory.hostnameOf(name);
  };
  const decideGoneNow = (state: PresenceState): Decision => decideGone(state, directory);
  /** Leaves out of the notes what is only counted. */
  const guarded = (verb: Verb, decision: Decision, ip: string): Decision => {
    if (!decision.refusal) return decision;
    const guard = verb === 'heartbeat' ? guards.beat : guards.seat;
    const notes = decision.notes.filter((note) => {
      const seat = isGateway(ip) ? note.pair.hostname : ip;
      const text = `${note.pair.login} ${note.pair.hostname} ${note.text}`;
      return guard.take(seat, text, note, clock.nowMs());
    });
    return { ...decision, notes };
  };
  const submit = async (decide: (state: PresenceState) => Decision): Promise<Decision> => {
    const decision = await ledger.submit(decide);
    onDecision(decision);
    return decision;
  };
  const sweep = async (decide: (state: PresenceState) => Decision): Promise<void> => {
    try {
      const { effects, notes } = decide(ledger.state);
      if (effects.length > 0 || notes.length > 0) await submit(decide);
    } catch (error) {
      log.warn({ error: String(error) }, 'presence: cannot be written now, trying again');
    }
  };
  const removeExpired = (): Promise<void> => sweep((state) => decideExpiry(state, clock.nowMs(), timeoutMs));
  const writeCounted = (nowMs: number): Promise<void> => {
    const counted = Object.values(guards).flatMap((guard) => guard.due(nowMs));
    const notes = counted.map(({ entry, count }) => ({
      ...entry,
      text: `${entry.text} (${count} more times)`,
    }));
    return sweep(() => ({ effects: [], notes }));
  };
  let ticks = 0;
  const timer = setInterval(() => {
    clock.tick();
    void removeExpired();
    if (++ticks % 5 === 0) void writeCounted(clock.nowMs());
    if (ticks % 20 === 0) void sweep(decideGoneNow); // what could not be written then
  }, tickMs);
  ready = true;
  await sweep(decideGoneNow);

  return {
    ledger,
    removeExpired,
    isUser: (login) => directory.group(login) !== undefined,
    async ask(verb, asked, ip) {
      const pair = { login: asked.login, hostname: hostnameOf(verb, asked, ip) };
      const machine = directory.machine(pair.hostname);
      if (machine && ip !== machine.ip && !isGateway(ip)) {
        const text = `${ip} is not the address of ${pair.hostname}`;
        const refusal: Refusal = { reason: 'wrong_address', text };
        const decision: Decision = { effects: [], notes: [{ action: 'refused', pair, ip, text }], refusal };
        await submit(() => guarded(verb, decision, ip));
        return refusal;
      }
      if (verb === 'heartbeat' && renew(ledger.state, pair, clock.nowMs())) return undefined;
      const at = new Date().toISOString();
      const decision = await submit((state) =>
        guarded(verb, DECIDE[verb](state, directory, pair, { ip, at }), ip),
      );
      if (!decision.refusal) renew(ledger.state, pair, clock.nowMs());
      return decision.refusal;
    },
    async stop() {
      clearInterval(timer);
      await directory.stop();
      await writeCounted(Infinity);
      await ledger.idle();
    },
  };
}
