import { ProloError } from '../errors.ts';
import { quote } from '../mdb/validate.ts';
import type { Config } from '../site/schema.ts';
import type { Store } from '../store/store.ts';
import type { ImportRow } from './import-file.ts';
import { freeLogin, loginBase } from './login.ts';
import { generatePassword, sealPassword } from './password.ts';
import { planUsers, type UserInput, type UserPlan, type Wish } from './plan.ts';
import type { User } from './record.ts';
import { hashPassword } from './sha-crypt.ts';
import { readSystemAccounts } from './site-accounts.ts';
import type { SystemAccounts } from './system-accounts.ts';
import { changeUsers, type ChangeOptions, passwordLength, readUsers } from './users.ts';
import { checkName, checkPassword, isReserved } from './validate.ts';

/** What becomes of a row whose user is there already. */
export type Existing = 'refuse' | 'update' | 'ignore';

export interface ImportOptions extends ChangeOptions {
  /** Of rows that name none; a user who is there must be of it. */
  group?: string;
  passwordLength?: number;
  existing?: Existing;
}

/** A row, and the user that it is or will be. */
interface Match {
  row: ImportRow;
  login: string;
  user?: User;
}

/**
 * Which users the rows speak of: by login, or, where a row has only a name, by that name within the group (the second
 * row of a name is the second user of it), so that a file can be imported again. Others get a login of their own.
 */
export function matchRows(
  config: Config,
  system: SystemAccounts,
  current: readonly User[],
  rows: readonly ImportRow[],
  options: ImportOptions,
): Match[] {
  const byLogin = new Map(current.map((user) => [user.login, user]));
  const byName = new Map<string, User[]>();
  for (const user of current) {
    const key = nameKey(user.group, user.firstname, user.lastname);
    byName.set(
      key,
      [...(byName.get(key) ?? []), user].sort((a, b) => a.id - b.id),
    );
  }
  const named = new Set(rows.flatMap(({ login }) => login?.trim().toLowerCase() ?? []));
  const given = new Set<string>();
  return rows.map((row): Match => {
    const group = row.group ?? options.group ?? 'user';
    if (row.login !== undefined) {
      const login = row.login.trim().toLowerCase();
      const user = byLogin.get(login);
      return { row, login, ...(user ? { user } : {}) };
    }
    const { firstname = '', lastname = '' } = row;
    const user = byName
      .get(
        nameKey(
          group,
          checkName(row.where, 'firstname', firstname),
          checkName(row.where, 'lastname', lastname),
        ),
      )
      ?.shift();
    if (user) return { row, login: user.login, user };
    const isTaken = (login: string): boolean =>
      byLogin.has(login) || named.has(login) || given.has(login) || isReserved(config, system, login);
    const login = freeLogin(loginBase(firstname, lastname), isTaken);
    given.add(login);
    return { row, login };
  });
}

function nameKey(group: string, firstname: string, lastname: string): string {
  return JSON.stringify([group, firstname.toLowerCase(), lastname.toLowerCase()]);
}

export interface ImportResult {
  plan: UserPlan;
  /** Logins that were there and were left as they are. */
  ignored: string[];
}

/**
 * Imports people, all or none. Who is new gets a login from the name, a UID, and a password; who is there is refused,
 * left alone or updated, as `existing` says. An update sets the row's fields and password; a bare row's user gets a new
 * password. Everything is checked before a hash is computed, and the hashes are before the database is locked.
 * @param keyHex the site's secret `passwords.key`
 */
export async function importUsers(
  store: Store,
  config: Config,
  actor: string,
  rows: readonly ImportRow[],
  keyHex: string,
  options: ImportOptions = {},
): Promise<ImportResult> {
  const system = options.system ?? readSystemAccounts(config);
  const passwords = new Map<ImportRow, { plain: string; hash: string }>();
  let ignored: string[] = [];
  const decide = (current: readonly User[], passwordOf: (match: Match) => Stored): { wishes: Wish[] } => {
    const chosen = choose(matchRows(config, system, current, rows, options), options.existing ?? 'refuse');
    ignored = chosen.ignored;
    return { wishes: chosen.matches.map((match) => toWish(match, options, passwordOf)) };
  };
  const makePassword = (match: Match): Stored => {
    const { row, user, login } = match;
    const length =
      options.passwordLength ?? passwordLength(config, user?.group ?? row.group ?? options.group);
    const plain = row.password ?? generatePassword(length);
    const made = passwords.get(row) ?? { plain, hash: hashPassword(plain) };
    passwords.set(row, made);
    return { hash: made.hash, sealed: sealPassword(keyHex, login, made.plain) };
  };

  for (const { where, password } of rows) if (password !== undefined) checkPassword(where, password);
  const current = await readUsers(store.knex);
  const plan = planUsers(config, system, current, decide(current, () => UNKNOWN).wishes);
  if (options.dryRun) return { plan, ignored };
  decide(current, makePassword);
  const done = await changeUsers(store, config, actor, (users) => decide(users, makePassword), {
    ...options,
    system,
  });
  return { plan: done, ignored };
}

type Stored = NonNullable<UserInput['password']>;

/** Stands for a password that is not made yet, while it is tried whether everything else is right. */
const UNKNOWN: Stored = { hash: '$6$unknown$unknown.', sealed: null };

function choose(matches: readonly Match[], existing: Existing): { matches: Match[]; ignored: string[] } {
  const there = matches.filter(({ user }) => user);
  if (existing === 'update') return { matches: [...matches], ignored: [] };
  if (existing === 'ignore')
    return { matches: matches.filter(({ user }) => !user), ignored: there.map(({ login }) => login) };
  const [first, ...more] = there;
  if (first)
    throw new ProloError(
      'conflict',
      `${first.row.where}: user ${first.login}: is there already${more.length > 0 ? ` (and ${more.length} more)` : ''}`,
      {
        hint: '--ignore leaves those who are there alone, --update updates them; `prolo udb add` adds a namesake',
      },
    );
  return { matches: [...matches], ignored: [] };
}

function toWish(match: Match, options: ImportOptions, passwordOf: (match: Match) => Stored): Wish {
  const { user, login } = match;
  const { where, bare, password, group: own, ...fields } = match.row;
  const group = own ?? options.group;
  if (user && group !== undefined && group !== user.group)
    throw new ProloError(
      'conflict',
      `${where}: user ${login}: is of group ${user.group}, not ${quote(group)}`,
      {
        hint: `\`prolo udb set ${login} --group\` moves a user`,
      },
    );
  const fresh = !user || bare || password !== undefined;
  return {
    where,
    input: {
      ...fields,
      login,
      ...(group === undefined ? {} : { group }),
      ...(fresh ? { password: passwordOf(match) } : {}),
    },
    ...(user ? { user } : {}),
  };
}
