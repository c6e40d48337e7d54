import { ProloError } from '../errors.ts';
import type { MachineRecord } from '../mdb/record.ts';
import { quote } from '../mdb/validate.ts';
import type { PublicUser } from '../udb/record.ts';
import type { Pair } from './state.ts';

export interface FakeWishes {
  /** `jdoe`, `jdoe@pas-r01p01`, or SADM's two words `jdoe pas-r01p01`. */
  words: readonly string[];
  /** How many more, at random. */
  count: number;
}

/**
 * Who is to be pretended to sit where. Who, or what, is taken already is not chosen at random; whom somebody names is.
 * @param random in [0, 1)
 * @throws ProloError `not-found`, `full` when there are not that many
 */
export function planFakes(
  { words, count }: FakeWishes,
  machines: readonly MachineRecord[],
  users: readonly PublicUser[],
  taken: readonly Pair[],
  random: () => number,
): Pair[] {
  const named = readWords(words, machines, users);
  const busy = new Set([...taken, ...named].map(({ hostname }) => hostname));
  const seated = new Set([...taken.map(({ login }) => login), ...named.map(({ login }) => login)]);
  const seats = shuffle(
    machines.filter(({ mtype, hostname }) => mtype === 'user' && !busy.has(hostname)),
    random,
  );
  const people = shuffle(
    users.filter(({ group, login }) => group === 'user' && !seated.has(login)),
    random,
  ).slice(0, count);
  if (people.length < count)
    throw new ProloError(
      'full',
      `fakepresence: ${count} contestants wanted, ${people.length} are not logged on`,
    );
  const take = (login: string): Pair => {
    const seat = seats.pop();
    if (seat) return { login, hostname: seat.hostname };
    throw new ProloError('full', `fakepresence: no machine is left for ${login}`);
  };
  return [
    ...named.map(({ login, hostname }) => (hostname === undefined ? take(login) : { login, hostname })),
    ...people.map(({ login }) => take(login)),
  ];
}

function readWords(
  words: readonly string[],
  machines: readonly MachineRecord[],
  users: readonly PublicUser[],
): { login: string; hostname?: string }[] {
  const logins = new Set(users.map(({ login }) => login));
  const hostnames = new Set(machines.map(({ hostname }) => hostname));
  const named: { login: string; hostname?: string }[] = [];
  for (const word of words) {
    const [login = '', hostname] = word.split('@');
    const last = named.at(-1);
    if (hostname === undefined && !logins.has(login) && hostnames.has(login) && last && !last.hostname)
      last.hostname = login;
    else if (!logins.has(login))
      throw new ProloError('not-found', `user ${quote(login)}: not in UDB`, {
        hint: '`prolo udb list` shows those that are',
      });
    else if (hostname !== undefined && !hostnames.has(hostname))
      throw new ProloError('not-found', `machine ${quote(hostname)}: not in MDB`, {
        hint: '`prolo mdb list` shows those that are',
      });
    else named.push({ login, ...(hostname === undefined ? {} : { hostname }) });
  }
  return named;
}

function shuffle<T>(list: T[], random: () => number): T[] {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [list[i], list[j]] = [list[j]!, list[i]!];
  }
  return list;
}
