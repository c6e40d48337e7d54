import type { LoginStep } from '../../seat/seat.ts';
import { NODES } from '../seat/order.ts';
import type { SeatView } from './at-seat.ts';

/** What a login goes through, in order: what each is about, and what mends it. */
export const STEPS = {
  ssh: ['the seat answers', `prolo ping ${NODES}; prolo wake ${NODES}`],
  free: ['nobody is logged on there, and the account is nowhere else', 'prolo presence list'],
  passwd: ['the seat knows the account', `prolo pssh ${NODES} -- journalctl -u prolo-passwd -n 50`],
  presenced: ['presenced runs', `prolo pssh ${NODES} -- systemctl restart prolo-presenced`],
  password: ['the password is right', 'prolo udb set LOGIN --ask-password; prolo doctor --only feeds'],
  account: ['PAM finds the account good', `prolo pssh ${NODES} -- journalctl -t sshd -n 50`],
  hook: ['PAM asks presenced', 'prolo rfs configure; prolo rfs commit'],
  presence: [
    'presencesync is asked',
    'systemctl restart prolo-presencesync; journalctl -u prolo-presencesync',
  ],
  granted: ['presence is granted', 'prolo presence list; journalctl -u prolo-presencesync'],
  home: ['hfsdb gives the home', 'prolo hfs list; prolo hfs doctor; journalctl -u prolo-hfsdb'],
  nbd: [
    'the home is attached',
    `prolo doctor --from ${NODES} --only homes; prolo hfs doctor; is the way from ${NODES} to the ports of hfs.ports open?`,
  ],
  mount: ['the home is mounted', `prolo hfs list; prolo hfs doctor; prolo pssh ${NODES} -- dmesg`],
  session: ['a session begins', `prolo pssh ${NODES} -- journalctl -t sshd -n 50`],
  writable: ['the home can be written to', `prolo hfs list; prolo hfs doctor; prolo pssh ${NODES} -- dmesg`],
  released: [
    'logged out, the home is given back',
    `prolo pssh ${NODES} -- journalctl -u prolo-presenced -n 50`,
  ],
  gone: ['presence ends', 'prolo presence list; journalctl -u prolo-presencesync'],
} as const;
export type Step = keyof typeof STEPS;

export interface Stop {
  step: Step;
  /** In the words of who refused. */
  said: string;
}

/** Where a seat can be no test, before anything is done there. */
export function refuseSeat(view: SeatView): Stop | undefined {
  const { presenced, mounts, attached, uid } = view;
  const there = presenced?.session ?? mounts[0];
  if (there !== undefined) return { step: 'free', said: `${there} is logged on there` };
  if (uid === undefined) return { step: 'passwd', said: 'that account is not known there' };
  if (!presenced) return { step: 'presenced', said: 'it does not answer' };
  if (attached.length > 0) return { step: 'released', said: `${attached.join(', ')} is left from before` };
  return undefined;
}

const AFTER: Record<LoginStep, Step> = {
  asked: 'free',
  known: 'presence',
  answered: 'granted',
  granted: 'home',
  given: 'nbd',
  attached: 'mount',
  mounted: 'session',
};

/** Whether presenced was asked for that login in between. */
export function wasAsked(before: SeatView, after: SeatView, login: string): boolean {
  const [old, last] = [before.presenced?.lastTry, after.presenced?.lastTry];
  return last?.login === login && last.number > (old?.number ?? 0);
}

/**
 * Where a login stopped that was refused.
 * @param refusal `password`: the password itself was; what sshd said
 */
export function judgeRefusal(
  before: SeatView,
  after: SeatView,
  login: string,
  refusal: { byPassword: boolean; said: string },
): Stop {
  const { said } = refusal;
  if (!wasAsked(before, after, login)) {
    if (refusal.byPassword) return { step: 'password', said: 'it is refused' };
    return { step: 'account', said };
  }
  const { reached, said: why } = after.presenced!.lastTry!;
  return { step: AFTER[reached], said: why ?? said };
}

/** Exit statuses of `templates/doctor/session.sh`. */
export function judgeSession(exitCode: number | undefined, reason: string | undefined): Stop | undefined {
  if (exitCode === 0) return undefined;
  if (exitCode === 10) return { step: 'mount', said: 'it is not in its home' };
  if (exitCode === 11) return { step: 'mount', said: 'its home is no network block device' };
  if (exitCode === 12) return { step: 'writable', said: 'it cannot write there' };
  return { step: 'session', said: reason ?? `its shell ended with status ${exitCode}` };
}

/** What is left when it should be gone. */
export function judgeRelease({ mounts, attached, presenced }: SeatView): Stop | undefined {
  const left = [
    ...mounts.map((login) => `the home of ${login} is mounted`),
    ...attached.map((device) => `${device} is attached`),
    ...(presenced?.session ? [`presenced has the session of ${presenced.session}`] : []),
  ];
  return left.length > 0 ? { step: 'released', said: `still ${left.join(', ')}` } : undefined;
}
