import type { CpioEntry } from '../cpio.ts';
import type { UserRecord } from '../udb/record.ts';

/** System groups that the guests' own programs ask for: the ids are Debian's. */
const GROUPS: Record<string, number> = {
  root: 0,
  adm: 4,
  tty: 5,
  disk: 6,
  mail: 8,
  utmp: 43,
  nogroup: 65534,
};

/** passwd, shadow and group of a guest where the site's users can log in; each has a group of its own, of the same number. */
export function accountFiles(users: readonly UserRecord[]): CpioEntry[] {
  const passwd = users.map(
    ({ login, firstname, lastname, uid, shell }) =>
      `${login}:x:${uid}:${uid}:${firstname} ${lastname}:/home/${login}:${shell}`,
  );
  const shadow = users.map(({ login, password }) => `${login}:${password}:20000::::::`);
  const group = [
    ...Object.entries(GROUPS).map(([name, gid]) => `${name}:x:${gid}:`),
    ...users.map(({ login, uid }) => `${login}:x:${uid}:`),
  ];
  const file = (name: string, lines: readonly string[], mode = 0o644): CpioEntry => ({
    path: `etc/${name}`,
    data: `${lines.join('\n')}\n`,
    mode,
  });
  return [
    file('passwd', [
      'root:x:0:0:root:/root:/bin/bash',
      'nobody:x:65534:65534::/nonexistent:/bin/false',
      ...passwd,
    ]),
    file('shadow', ['root:*:20000::::::', 'nobody:*:20000::::::', ...shadow], 0o600),
    file('group', group),
  ];
}
