import { nearest } from '../cli/nearest.ts';
import { ProloError } from '../errors.ts';
import type { MachineRecord } from '../mdb/record.ts';
import type { Group } from '../mdb/select.ts';
import type { Pair } from '../presence/state.ts';

/** Who can be asked for what MDB does not know. Without `alive` there is no such group. */
export interface LiveSources {
  sessions: () => Promise<readonly Pair[]>;
  /** The hostnames of those that answer. */
  alive?: (machines: readonly MachineRecord[]) => Promise<ReadonlySet<string>>;
}

/**
 * What `choose` chooses with the groups `@user:LOGIN @logged-in @free @alive`. Somebody is asked only for groups that it uses,
 * once, after all its other words were found to be right; of `@alive` only about machines whose answer makes a difference.
 * @param choose decides on each machine by its own groups alone, as node sets do; it may run several times
 */
export async function withLiveGroups(
  machines: readonly MachineRecord[],
  sources: LiveSources,
  choose: (groups: Record<string, Group>) => MachineRecord[],
): Promise<MachineRecord[]> {
  const used = new Set<string>();
  const note = (name: string, check: (value?: string) => void): [string, Group] => [
    name,
    (value) => {
      check(value);
      used.add(name);
      return [];
    },
  ];
  const plain = ['logged-in', 'free', ...(sources.alive ? ['alive'] : [])];
  const unasked = Object.fromEntries([
    note('user', needLogin),
    ...plain.map((name) => note(name, (value) => needNothing(name, value))),
  ]);
  const first = choose(unasked);
  if (used.size === 0) return first;
  let groups: Record<string, Group> = unasked;
  if ([...used].some((name) => name !== 'alive'))
    groups = { ...groups, ...presenceGroups(machines, await sources.sessions()) };
  if (used.has('alive') && sources.alive) {
    const least = new Set(choose({ ...groups, alive: () => [] }));
    const most = new Set(choose({ ...groups, alive: () => machines.map(({ hostname }) => hostname) }));
    const alive = await sources.alive(machines.filter((machine) => least.has(machine) !== most.has(machine)));
    groups = { ...groups, alive: () => alive };
  }
  return choose(groups);
}

/** Of those who are logged on. `@free`: contestants' machines where nobody is. */
function presenceGroups(
  machines: readonly MachineRecord[],
  sessions: readonly Pair[],
): Record<'user' | 'logged-in' | 'free', Group> {
  const taken = new Set(sessions.map(({ hostname }) => hostname));
  const names = (of: readonly MachineRecord[]): string[] => of.map(({ hostname }) => hostname);
  return {
    user(value) {
      const login = needLogin(value);
      const seats = sessions.filter((session) => session.login.toLowerCase() === login);
      if (seats.length === 0) throw loggedOnNowhere(login, sessions);
      const found = names(
        machines.filter(({ hostname }) => seats.some((seat) => seat.hostname === hostname)),
      );
      if (found.length > 0) return found;
      throw new ProloError('not-found', `login ${login}: logged on at ${seats[0]!.hostname}, not in MDB`, {
        hint: '`prolo presence list` shows who is where',
      });
    },
    'logged-in': () => names(machines.filter(({ hostname }) => taken.has(hostname))),
    free: () => names(machines.filter(({ hostname, mtype }) => mtype === 'user' && !taken.has(hostname))),
  };
}

function loggedOnNowhere(login: string, sessions: readonly Pair[]): ProloError {
  const meant = nearest(
    login,
    sessions.map((session) => session.login),
  );
  const guess = meant.length > 0 ? `did you mean ${meant.map((one) => `@user:${one}`).join(', ')}? ` : '';
  return new ProloError('not-found', `login ${login}: logged on nowhere`, {
    hint: `${guess}\`prolo presence list\` shows who is where`,
  });
}

function needLogin(value: string | undefined): string {
  if (value !== undefined) return value;
  throw new ProloError('bad-input', 'group @user: whose machine?', {
    hint: "@user:LOGIN is where that login is logged on; @mtype:user are contestants' machines",
  });
}

function needNothing(name: string, value: string | undefined): void {
  if (value !== undefined) throw new ProloError('bad-input', `group @${name}: takes no value (${value})`);
}
