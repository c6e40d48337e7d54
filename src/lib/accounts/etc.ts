import { type Config, type Group, GROUPS } from '../site/schema.ts';
import { LOGIN_PATTERN } from '../udb/login.ts';
import { isSiteLine } from '../udb/site-accounts.ts';
import type { Account } from './account.ts';
import { asBytes, isNisLine, linesOf, replaceOwn } from './own-lines.ts';

/** The files of accounts, latin1: they may hold bytes that are no UTF-8, and keep them. */
export interface EtcTexts {
  passwd: string;
  shadow: string;
  group: string;
  /** Not every system has it. */
  gshadow?: string | undefined;
}

export interface EtcPlan {
  texts: EtcTexts;
  /** Accounts and groups that are not written, since the system has that name or number. */
  clashes: string[];
  written: Account[];
  /** Logins that were in the files and are not any more. */
  removed: string[];
}

/** No aging: what we write, and no tool of the system does. */
const OWN_SHADOW = new RegExp(`^(${LOGIN_PATTERN}):[^:]*:::::::$`);

/** Every line of a passwd or group file that says something, as its fields. A comment, a line of NIS or a damaged one too: its name counts. */
const fieldsOf = (line: string): string[] => line.trimStart().split(':');

/** Logins of the site's accounts that a passwd file has. */
export function siteLogins(config: Config, passwd: string): string[] {
  return linesOf(passwd)
    .filter((line) => isSiteLine(config, line))
    .map((line) => fieldsOf(line)[0]!);
}

/** Brings the site's accounts to `wanted`, and touches nothing else. The system's accounts and groups win. */
export function planEtc(config: Config, old: EtcTexts, wanted: readonly Account[]): EtcPlan {
  const isOwn = (line: string): boolean => isSiteLine(config, line);
  const system = linesOf(old.passwd).filter((line) => !isOwn(line) && !line.startsWith('#'));
  const names = new Set(system.map((line) => fieldsOf(line)[0]!));
  const uids = new Set(system.map((line) => Number(fieldsOf(line)[2] || NaN)));
  const clashes: string[] = [];
  const written = wanted.filter(({ login, uid }) => {
    if (names.has(login)) clashes.push(`user ${login}: the system has an account of that name`);
    else if (uids.has(uid)) clashes.push(`user ${login}: the system has an account with uid ${uid}`);
    else return true;
    return false;
  });
  const before = siteLogins(config, old.passwd);
  const now = new Set(written.map(({ login }) => login));
  const known = new Set([...before, ...now]);
  const isOwnShadow = (line: string): boolean => {
    const name = fieldsOf(line)[0]!;
    // One without a line in passwd is what a run left that was killed between the two.
    return !names.has(name) && (known.has(name) || OWN_SHADOW.test(line));
  };
  const groups = planGroups(config, old.group);
  return {
    texts: {
      passwd: replaceOwn(old.passwd, isOwn, written.map(passwdLine), isNisLine),
      shadow: replaceOwn(
        old.shadow,
        isOwnShadow,
        written.map(({ login, hash }) => `${login}:${hash}:::::::`),
        isNisLine,
      ),
      group: replaceOwn(
        old.group,
        groups.isOwn,
        groups.own.map(({ name, gid }) => `${name}:x:${gid}:`),
        isNisLine,
      ),
      gshadow:
        old.gshadow === undefined
          ? undefined
          : replaceOwn(
              old.gshadow,
              (line) => groups.names.has(fieldsOf(line)[0]!),
              groups.own.map(({ name }) => `${name}:!::`),
              isNisLine,
            ),
    },
    clashes: [...clashes, ...groups.clashes],
    written,
    removed: before.filter((login) => !now.has(login)),
  };
}

function passwdLine({ login, uid, gid, gecos, shell }: Account): string {
  return `${login}:x:${uid}:${gid}:${asBytes(gecos)}:/home/${login}:${shell}`;
}

/**
 * The groups of UDB under their names, or, where the system has one of that name (`root`), with `prolo-` before it. A number that
 * the system has a group for stays that group's.
 */
function planGroups(config: Config, text: string) {
  const candidates = (group: Group): string[] => [group, `prolo-${group}`];
  const isOwn = (line: string): boolean => {
    const [name = '', , gid = ''] = line.split(':');
    return (
      line.split(':').length === 4 &&
      GROUPS.some((group) => candidates(group).includes(name) && gid === String(config.groups[group].gid))
    );
  };
  const lines = linesOf(text);
  const system = lines.filter((line) => !isOwn(line) && !line.startsWith('#')).map(fieldsOf);
  const taken = new Set(system.map(([name]) => name));
  const gids = new Set(system.map(([, , gid]) => gid));
  const clashes: string[] = [];
  const own: { name: string; gid: number }[] = [];
  for (const group of GROUPS) {
    const { gid } = config.groups[group];
    if (gids.has(String(gid)) || own.some((one) => one.gid === gid)) continue;
    const name = candidates(group).find((one) => !taken.has(one));
    if (name === undefined)
      clashes.push(`group ${group}: the system has groups of its names, gid ${gid} has none`);
    else own.push({ name, gid });
  }
  const before = lines.filter(isOwn).map((line) => fieldsOf(line)[0]!);
  const names = new Set([...before, ...own.map(({ name }) => name)].filter((name) => !taken.has(name)));
  return { isOwn, own, names, clashes };
}
