import type { Group } from '../site/schema.ts';

/** A user as the udbsync feed carries it. `password` is a crypt(3) hash; the plain one is never in a feed. */
export type UserRecord = {
  id: number;
  login: string;
  firstname: string;
  lastname: string;
  uid: number;
  group: Group;
  password: string;
  shell: string;
  ssh_key: string;
};

/** A user as the database has it. */
export type User = UserRecord & {
  /** The plain password, encrypted with the site's key; null where only the hash is known. */
  sealed: string | null;
};

/** What `query_private` answers: the plain password, null where only the hash is known. */
export type PrivateUser = Omit<UserRecord, 'password'> & { password: string | null };

/** What may be shown to anyone: no password, no hash. */
export type PublicUser = Omit<UserRecord, 'password'>;

/** What the feed carries of a user. */
export function toRecord(user: User): UserRecord {
  const { sealed: _sealed, ...record } = user;
  return record;
}

export function toPublic<R extends PublicUser & { password?: unknown; sealed?: unknown }>(
  user: R,
): PublicUser {
  const { id, login, firstname, lastname, uid, group, shell, ssh_key } = user;
  return { id, login, firstname, lastname, uid, group, shell, ssh_key };
}
