import { ProloError } from '../errors.ts';
import type { Config, Group } from '../site/schema.ts';
import { audit } from '../store/change-log.ts';
import { type Store, transact } from '../store/store.ts';
import { generatePassword, openPassword } from './password.ts';
import { type PrivateUser, toRecord, type User } from './record.ts';
import { changeUsers, findUser, passwordLength, readUsers, storePassword } from './users.ts';

/**
 * A user's password for whoever asks for it. Who asked is noted in the same transaction: without the note, no password.
 * @throws ProloError `not-found` when only the hash is known
 */
export async function readPassword(
  store: Store,
  keyHex: string,
  actor: string,
  login: string,
): Promise<string> {
  return transact(store, async (tx) => {
    const user = findUser(await readUsers(tx), login);
    if (user.sealed === null)
      throw new ProloError('not-found', `user ${user.login}: only the hash of the password is known`, {
        hint: `\`prolo udb password ${user.login} --new\` makes another`,
      });
    const plain = openPassword(keyHex, user.login, user.sealed);
    await audit(tx, actor, 'udb password', user.login);
    return plain;
  });
}

/** Gives a user another password, a generated one, and shows it; noted like `readPassword`. */
export async function renewPassword(
  store: Store,
  config: Config,
  keyHex: string,
  actor: string,
  login: string,
  length?: number,
): Promise<string> {
  const { login: name, group } = findUser(await readUsers(store.knex), login);
  const plain = generatePassword(length ?? passwordLength(config, group));
  const password = storePassword(keyHex, name, plain);
  await changeUsers(
    store,
    config,
    actor,
    (current) => ({ wishes: [{ user: findUser(current, name), input: { password } }] }),
    { audit: { action: 'udb password --new', details: name } },
  );
  return plain;
}

/** Whose sheet to print: a group's, or those named; neither, everyone's. */
export interface SheetSelection {
  group?: Group | undefined;
  logins?: readonly string[];
}

/**
 * The users of a password sheet with their passwords, by name; noted like `readPassword`, with every login.
 * @throws ProloError `not-found` when there are none
 */
export async function readSheet(
  store: Store,
  keyHex: string,
  actor: string,
  { group, logins = [] }: SheetSelection,
): Promise<PrivateUser[]> {
  return transact(store, async (tx) => {
    const users = await readUsers(tx);
    const named = logins.length > 0 ? [...new Set(logins.map((login) => findUser(users, login)))] : users;
    const chosen = named.filter((user) => group === undefined || user.group === group).sort(byName);
    if (chosen.length === 0)
      throw new ProloError('not-found', `users${group ? ` of group ${group}` : ''}: there are none`);
    await audit(tx, actor, 'udb sheet', chosen.map(({ login }) => login).join(' '));
    return chosen.map((user) => ({
      ...toRecord(user),
      password: user.sealed === null ? null : openPassword(keyHex, user.login, user.sealed),
    }));
  });
}

const collator = new Intl.Collator('en');

/** As people look for themselves in a pile of slips. */
function byName(a: User, b: User): number {
  return (
    collator.compare(a.lastname || a.firstname, b.lastname || b.firstname) ||
    collator.compare(a.firstname, b.firstname) ||
    (a.login < b.login ? -1 : 1)
  );
}
