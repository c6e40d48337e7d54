import { setTimeout as sleep } from 'node:timers/promises';
import { asProloError } from '../../errors.ts';
import type { SeatView } from './at-seat.ts';
import {
  judgeRefusal,
  judgeRelease,
  judgeSession,
  refuseSeat,
  type Step,
  type Stop,
  wasAsked,
} from './steps.ts';

/** What a walk does at a seat. */
export interface SeatDoors {
  login: string;
  hostname: string;
  /** As root. @throws when it is not reached */
  view(gone: boolean): Promise<SeatView>;
  /** With the password, as a person does. @throws LoginRefused */
  enter(): Promise<{ run(): Promise<{ exitCode?: number; reason?: string }>; leave(): void }>;
  /** Where presence has the account. */
  whereabouts(): Promise<string | undefined>;
}

/** The seat did not let the account in. */
export class LoginRefused extends Error {
  readonly byPassword: boolean;
  constructor(said: string, byPassword: boolean) {
    super(said);
    this.byPassword = byPassword;
  }
}

export interface Walk {
  hostname: string;
  passed: Step[];
  stopped?: Stop;
  /** What was left behind, where it stopped inside. */
  left?: string;
  /** Until the session could be used. */
  inMs?: number;
  ms: number;
}

/** Presence's own end comes a moment after the seat's. */
const GONE_MS = 5_000;

/** One login and logout, up to the first step that fails; whatever that is, it is logged out behind it. */
export async function walkSeat(doors: SeatDoors): Promise<Walk> {
  const { hostname, login } = doors;
  const startedMs = performance.now();
  const passed: Step[] = [];
  const walk: Walk = { hostname, passed, ms: 0 };
  const end = (stopped?: Stop): Walk => ({
    ...walk,
    ...(stopped ? { stopped } : {}),
    ms: Math.round(performance.now() - startedMs),
  });

  let before: SeatView;
  try {
    before = await doors.view(false);
  } catch (error) {
    return end({ step: 'ssh', said: asProloError(error).message });
  }
  passed.push('ssh');
  const elsewhere = await doors.whereabouts();
  if (elsewhere !== undefined) return end({ step: 'free', said: `${login} is logged on at ${elsewhere}` });
  const refused = refuseSeat(before);
  if (refused) return end(refused);
  passed.push('free', 'passwd', 'presenced');

  let session: Awaited<ReturnType<SeatDoors['enter']>> | undefined;
  const inside = async (): Promise<Stop | undefined> => {
    const enteredMs = performance.now();
    try {
      session = await doors.enter();
    } catch (error) {
      const byPassword = error instanceof LoginRefused && error.byPassword;
      const stop = judgeRefusal(before, await doors.view(false), login, {
        byPassword,
        said: (error as Error).message,
      });
      passed.push(...upTo(stop.step));
      return stop;
    }
    const ran = await session.run();
    walk.inMs = Math.round(performance.now() - enteredMs);
    const [now, place] = await Promise.all([doors.view(false), doors.whereabouts()]);
    if (!wasAsked(before, now, login)) {
      passed.push('password', 'account');
      return { step: 'hook', said: 'the account is let in, and presenced was not asked' };
    }
    passed.push(...upTo('granted'));
    if (place !== hostname)
      return { step: 'granted', said: `presence has the account ${place ? `at ${place}` : 'nowhere'}` };
    passed.push('granted', 'home');
    const stop = judgeSession(ran.exitCode, ran.reason);
    if (stop) passed.push(...upTo(stop.step).filter((step) => !passed.includes(step)));
    else passed.push('nbd', 'mount', 'session', 'writable');
    return stop;
  };
  let stop: Stop | undefined;
  try {
    stop = await inside();
  } catch (error) {
    stop = { step: session ? 'session' : 'ssh', said: asProloError(error).message };
  } finally {
    session?.leave();
  }
  const left = await released(doors);
  if (stop) return { ...end(stop), ...(left ? { left: left.said } : {}) };
  if (left) return end(left);
  passed.push('released', 'gone');
  return end();
}

/** Those that a login has behind it when it stops at a step of presenced's. */
function upTo(step: Step): Step[] {
  const order: Step[] = [
    'password',
    'account',
    'hook',
    'presence',
    'granted',
    'home',
    'nbd',
    'mount',
    'session',
    'writable',
  ];
  if (step === 'free') return ['password', 'account', 'hook'];
  return order.slice(0, Math.max(0, order.indexOf(step)));
}

/** What a logout leaves behind, once it has had time. */
async function released({ view, whereabouts, login }: SeatDoors): Promise<Stop | undefined> {
  try {
    const left = judgeRelease(await view(true));
    if (left) return left;
  } catch (error) {
    return { step: 'released', said: asProloError(error).message };
  }
  const deadline = performance.now() + GONE_MS;
  let place = await whereabouts();
  for (; place !== undefined && performance.now() < deadline; place = await whereabouts()) await sleep(100);
  return place === undefined ? undefined : { step: 'gone', said: `presence has ${login} at ${place} still` };
}
