import { asProloError, ProloError } from '../errors.ts';
import type { Config, Group } from '../site/schema.ts';
import type { UserRecord } from '../udb/record.ts';
import { LOCKED } from '../udb/seats.ts';
import { isSiteUid } from '../udb/site-accounts.ts';
import { checkGroup, checkHash, checkLogin, checkShell } from '../udb/validate.ts';

/** A line of passwd and one of shadow. */
export interface Account {
  login: string;
  uid: number;
  gid: number;
  group: Group;
  /** The person's name. */
  gecos: string;
  shell: string;
  hash: string;
}

export interface Accounts {
  /** In order of UID. */
  accounts: Account[];
  /** Records that are no account: what is wrong with each. */
  refused: string[];
}

/** The accounts of users. What came over the wire is checked as where it was put in: a line of passwd is not to be broken by it. */
export function toAccounts(config: Config, users: Iterable<UserRecord>): Accounts {
  const accounts: Account[] = [];
  const refused: string[] = [];
  for (const user of users)
    try {
      accounts.push(toAccount(config, user));
    } catch (error) {
      refused.push(asProloError(error).message);
    }
  return { accounts: accounts.sort((a, b) => a.uid - b.uid), refused };
}

function toAccount(config: Config, user: UserRecord): Account {
  const owner = `user ${String(user.login).slice(0, 40)}`;
  const login = checkLogin(owner, String(user.login));
  const group = checkGroup(owner, String(user.group));
  const { uid } = user;
  if (!Number.isInteger(uid) || !isSiteUid(config, uid))
    throw new ProloError('bad-input', `${owner}: uid ${String(uid)} is not one of the site's`);
  return {
    login,
    uid,
    gid: config.groups[group].gid,
    group,
    gecos: toGecos(user),
    shell: checkShell(owner, String(user.shell)),
    hash: user.password === LOCKED ? LOCKED : checkHash(owner, String(user.password)),
  };
}

/** The comma ends the name there, the colon the field, the newline the account. */
function toGecos({ firstname, lastname }: UserRecord): string {
  const name = `${firstname} ${lastname}`;
  return name
    .replace(/[:,\s\p{Cc}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, 200);
}
