import { ProloError } from '../errors.ts';
import type { Config } from '../site/schema.ts';
import type { Update } from '../store/change-log.ts';
import { toRecord, type User, type UserRecord } from './record.ts';
import { checkSshKey } from './ssh-key.ts';
import type { SystemAccounts } from './system-accounts.ts';
import { allocateUid, checkUid } from './uid.ts';
import { checkGroup, checkHash, checkLogin, checkName, checkShell, isReserved } from './validate.ts';

/** What somebody wants a user to be. What is left out stays, or gets its default. */
export interface UserInput {
  login?: string;
  firstname?: string;
  lastname?: string;
  group?: string;
  /** `auto`: the first free one of the group. */
  uid?: number | 'auto';
  shell?: string;
  ssh_key?: string;
  /** The hash, and the plain one sealed where it is known; a new user needs it. */
  password?: { hash: string; sealed: string | null };
}

export interface Wish {
  /** The user to change; none: a new one. */
  user?: User;
  input: UserInput;
  /** Where the wish stands, such as a file's line, for errors. */
  where?: string;
}

/** A new user has id 0 until the database gives it one. */
export interface UserPlan {
  create: User[];
  update: { before: User; after: User }[];
  remove: User[];
}

/**
 * Decides what a set of wishes does to UDB as a whole.
 * @throws ProloError `bad-input`, `conflict` or `full` that names the user; then nothing of it is done.
 */
export function planUsers(
  config: Config,
  system: SystemAccounts,
  current: readonly User[],
  wishes: readonly Wish[],
  remove: readonly User[] = [],
): UserPlan {
  const touched = new Set([...remove, ...wishes.flatMap(({ user }) => user ?? [])].map(({ id }) => id));
  const kept = current.filter(({ id }) => !touched.has(id));
  const wanted = wishes.map((wish) => ({ before: wish.user, after: resolve(config, system, wish), wish }));
  const used = new Set([...kept, ...wanted.map(({ after }) => after)].map(({ uid }) => uid));
  for (const { after, wish } of wanted)
    if (after.uid === UNSET) {
      after.uid = named(wish, () => allocateUid(config, after.group, used, system));
      used.add(after.uid);
    }
  refuseClashes(kept, wanted);
  return {
    create: wanted.filter(({ before }) => !before).map(({ after }) => after),
    update: wanted.flatMap(({ before, after }) =>
      before && changedFields(before, after).length > 0 ? [{ before, after }] : [],
    ),
    remove: [...remove],
  };
}

const UNSET = -1;
const FIELDS = [
  'login',
  'firstname',
  'lastname',
  'uid',
  'group',
  'password',
  'shell',
  'ssh_key',
  'sealed',
] as const;

/** The fields that differ, by name. */
export function changedFields(before: User, after: User): string[] {
  return FIELDS.filter((field) => before[field] !== after[field]);
}

/** The feed's line for a plan that was carried out: hashes, never a plain password. */
export function planUpdates(plan: UserPlan): Update<UserRecord>[] {
  const present = new Set(
    [...plan.create, ...plan.update.map(({ after }) => after)].map(({ login }) => login),
  );
  return [
    ...plan.remove
      .filter(({ login }) => !present.has(login))
      .map((user) => ({ type: 'delete' as const, data: toRecord(user) })),
    ...[...plan.update.map(({ after }) => after), ...plan.create].map((user) => ({
      type: 'update' as const,
      data: toRecord(user),
    })),
  ];
}

function resolve(config: Config, system: SystemAccounts, wish: Wish): User {
  const { user: before, input } = wish;
  return named(wish, () => {
    const login = before?.login ?? checkLogin('a new user', input.login ?? '');
    const owner = `user ${login}`;
    if (!before && isReserved(config, system, login))
      throw new ProloError('bad-input', `${owner}: login is reserved by the system`, {
        hint: 'choose another (reservedLogins in prolo.yml, /etc/passwd, and the usual system accounts)',
      });
    const group = checkGroup(owner, input.group ?? before?.group ?? 'user');
    const uid = input.uid === 'auto' ? UNSET : (input.uid ?? before?.uid ?? UNSET);
    if (uid !== UNSET && uid !== before?.uid) checkUid(config, owner, group, uid, system);
    const hash = input.password?.hash ?? before?.password;
    if (hash === undefined) throw new ProloError('bad-input', `${owner}: password is missing`);
    return {
      id: before?.id ?? 0,
      login,
      firstname: checkName(owner, 'firstname', input.firstname ?? before?.firstname ?? login),
      lastname: checkName(owner, 'lastname', input.lastname ?? before?.lastname ?? ''),
      uid,
      group,
      password: input.password ? checkHash(owner, hash) : hash,
      shell: checkShell(owner, input.shell ?? before?.shell ?? config.shell),
      ssh_key: input.ssh_key === undefined ? (before?.ssh_key ?? '') : checkSshKey(owner, input.ssh_key),
      sealed: input.password ? input.password.sealed : (before?.sealed ?? null),
    };
  });
}

function refuseClashes(kept: readonly User[], wanted: readonly { after: User; wish: Wish }[]): void {
  const logins = new Map(kept.map((user) => [user.login, 'is there already']));
  const uids = new Map(kept.map((user) => [user.uid, user.login]));
  for (const { after, wish } of wanted)
    named(wish, () => {
      const taken = logins.get(after.login);
      if (taken)
        throw new ProloError('conflict', `user ${after.login}: ${taken}`, {
          hint: 'choose another login, or change the one that is there',
        });
      const owner = uids.get(after.uid);
      if (owner)
        throw new ProloError('conflict', `user ${after.login}: uid ${after.uid} is that of ${owner}`);
      logins.set(after.login, `is named twice${wish.where ? ` (also ${wish.where})` : ''}`);
      uids.set(after.uid, after.login);
    });
}

/** Says in an error where the wish stood. */
function named<T>(wish: Wish, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ProloError) || !wish.where) throw error;
    throw new ProloError(error.kind, `${wish.where}: ${error.message}`, {
      ...(error.hint ? { hint: error.hint } : {}),
      cause: error,
    });
  }
}
