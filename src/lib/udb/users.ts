import type { Knex } from 'knex';
import { ProloError } from '../errors.ts';
import { quote } from '../mdb/validate.ts';
import type { Config, Group } from '../site/schema.ts';
import { audit, change, type Update } from '../store/change-log.ts';
import type { Store, Tx } from '../store/store.ts';
import { generatePassword, openPassword, sealPassword } from './password.ts';
import { planUpdates, planUsers, type UserInput, type UserPlan, type Wish } from './plan.ts';
import { type PrivateUser, toRecord, type User, type UserRecord } from './record.ts';
import { hashPassword } from './sha-crypt.ts';
import { readSystemAccounts } from './site-accounts.ts';
import type { SystemAccounts } from './system-accounts.ts';
import { decideUpdates } from './updates.ts';
import { checkPassword } from './validate.ts';

/** Every user as the feed carries it, in order of login. */
export async function listUsers(db: Knex): Promise<UserRecord[]> {
  return (await readUsers(db)).map(toRecord);
}

/** Every user with the plain password. @param keyHex the site's secret `passwords.key` */
export async function listPrivateUsers(db: Knex, keyHex: string): Promise<PrivateUser[]> {
  return (await readUsers(db)).map((user) => ({
    ...toRecord(user),
    password: user.sealed === null ? null : openPassword(keyHex, user.login, user.sealed),
  }));
}

/** Every user as the database has it, in order of login. */
export async function readUsers(db: Knex): Promise<User[]> {
  const rows = (await db('users')) as (UserRecord & {
    password_hash: string;
    password_sealed: string | null;
  })[];
  return rows
    .map((row): User => ({
      id: row.id,
      login: row.login,
      firstname: row.firstname,
      lastname: row.lastname,
      uid: row.uid,
      group: row.group,
      password: row.password_hash,
      shell: row.shell,
      ssh_key: row.ssh_key,
      sealed: row.password_sealed,
    }))
    .sort((a, b) => (a.login < b.login ? -1 : 1)); // a database's own order depends on its locale
}

/** How a change of UDB decides, given who is there; called inside the transaction. */
export type Decide = (current: User[]) => { wishes?: Wish[]; remove?: User[] };

export interface ChangeOptions {
  /** Decide only: nothing is written, and who would be new has no id. */
  dryRun?: boolean;
  /** Accounts that the system keeps; default: this host's. */
  system?: SystemAccounts;
  /** A line for the audit, written in the same transaction. */
  audit?: { action: string; details: string };
}

/**
 * The one way UDB changes: read, decide, write, log, in one transaction.
 * @returns what was (or would be) done
 */
export async function changeUsers(
  store: Store,
  config: Config,
  actor: string,
  decide: Decide,
  options: ChangeOptions = {},
): Promise<UserPlan> {
  const system = options.system ?? readSystemAccounts(config);
  if (options.dryRun) {
    const current = await readUsers(store.knex);
    const { wishes = [], remove = [] } = decide(current);
    return planUsers(config, system, current, wishes, remove);
  }
  return change(store, 'udb', actor, async (tx) => {
    const current = await readUsers(tx);
    const { wishes = [], remove = [] } = decide(current);
    const plan = planUsers(config, system, current, wishes, remove);
    await writePlan(tx, plan);
    if (options.audit) await audit(tx, actor, options.audit.action, options.audit.details);
    return { value: plan, updates: planUpdates(plan) };
  });
}

/** A user's fields as a person gives them: the password is the plain one. */
export type PlainInput = Omit<UserInput, 'password'> & { password?: string };

/**
 * Adds a user; without a password one is generated. Its hash is made before the database is locked.
 * @param keyHex the site's secret `passwords.key`
 * @throws ProloError `conflict` when the login or the UID is another's; `full` when the group's UIDs are
 */
export async function addUser(
  store: Store,
  config: Config,
  actor: string,
  input: PlainInput & { login: string },
  keyHex: string,
  options: ChangeOptions & { passwordLength?: number } = {},
): Promise<UserRecord> {
  const { password, ...rest } = input;
  const length = options.passwordLength ?? passwordLength(config, input.group);
  const login = input.login.trim().toLowerCase();
  const stored = storePassword(keyHex, login, password ?? generatePassword(length));
  const wishes = [{ input: { ...rest, password: stored } }];
  const plan = await changeUsers(store, config, actor, () => ({ wishes }), options);
  return toRecord(plan.create[0]!);
}

/** Changes fields of a user. @param keyHex needed for a new password only */
export async function updateUser(
  store: Store,
  config: Config,
  actor: string,
  login: string,
  input: Omit<PlainInput, 'login'>,
  keyHex?: string,
  options: ChangeOptions = {},
): Promise<UserRecord> {
  const { password, ...rest } = input;
  const name = login.trim().toLowerCase();
  const stored = password === undefined ? undefined : storePassword(keyHex ?? '', name, password);
  let after: User | undefined;
  const plan = await changeUsers(
    store,
    config,
    actor,
    (current) => {
      after = findUser(current, name);
      return { wishes: [{ user: after, input: { ...rest, ...(stored ? { password: stored } : {}) } }] };
    },
    options,
  );
  return toRecord(plan.update[0]?.after ?? after!);
}

/** Removes users; one that is not there, and none is removed. @throws ProloError `not-found` */
export async function removeUsers(
  store: Store,
  config: Config,
  actor: string,
  logins: readonly string[],
  options: ChangeOptions = {},
): Promise<UserRecord[]> {
  const decide: Decide = (current) => ({
    remove: [...new Set(logins.map((login) => findUser(current, login)))],
  });
  return (await changeUsers(store, config, actor, decide, options)).remove.map(toRecord);
}

/** What a publisher of udbsync sends: upserts and deletes by login, `password` a crypt(3) hash; all or nothing. */
export async function applyUserUpdates(
  store: Store,
  config: Config,
  actor: string,
  updates: readonly Update<object>[],
  options: ChangeOptions = {},
): Promise<void> {
  await changeUsers(store, config, actor, (current) => decideUpdates(current, updates), options);
}

/** A user by login. @throws ProloError `not-found` */
export function findUser<U extends { login: string }>(users: readonly U[], login: string): U {
  const wanted = login.trim().toLowerCase();
  const user = users.find((one) => one.login === wanted);
  if (user) return user;
  throw new ProloError('not-found', `user ${quote(login)}: not in UDB`, {
    hint: '`prolo udb list` shows those that are',
  });
}

/** A plain password as it is kept: the hash, and itself sealed. Takes some milliseconds. */
export function storePassword(
  keyHex: string,
  login: string,
  plain: string,
): { hash: string; sealed: string } {
  checkPassword(`user ${login}`, plain);
  return { sealed: sealPassword(keyHex, login, plain), hash: hashPassword(plain) };
}

/** How long a generated password of a group is; a group that is none is refused later, with its name. */
export function passwordLength(config: Config, group: string = 'user'): number {
  return (config.groups[group as Group] ?? config.groups.user).passwordLength;
}

async function writePlan(tx: Tx, plan: UserPlan): Promise<void> {
  for (const part of chunks(plan.remove, 500))
    await tx('users')
      .whereIn(
        'id',
        part.map(({ id }) => id),
      )
      .delete();
  // Users who swap UIDs step aside first.
  for (const { before, after } of plan.update)
    if (before.uid !== after.uid) await tx('users').where({ id: before.id }).update({ uid: -before.id });
  for (const { after } of plan.update) await tx('users').where({ id: after.id }).update(columns(after));
  for (const part of chunks(plan.create, 200)) {
    const rows = (await tx('users').insert(part.map(columns)).returning(['id', 'login'])) as Pick<
      User,
      'id' | 'login'
    >[];
    const ids = new Map(rows.map(({ id, login }) => [login, id]));
    for (const user of part) user.id = ids.get(user.login)!;
  }
}

function columns(user: User): Record<string, unknown> {
  const { id: _id, password, sealed, ...rest } = user;
  return { ...rest, password_hash: password, password_sealed: sealed };
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}
