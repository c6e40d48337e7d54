import { askHidden } from '../../cli/ask-hidden.ts';
import { readInput } from '../../cli/input.ts';
import { ProloError } from '../../errors.ts';
import { foldNodeset } from '../../nodeset.ts';
import type { MachineRecord } from '../../mdb/record.ts';
import type { Site } from '../../site/site.ts';
import type { Store } from '../../store/store.ts';
import { openPassword } from '../../udb/password.ts';
import { readUsers } from '../../udb/users.ts';

/** @throws ProloError `bad-input` where some are no seats: nobody's home is there */
export function seatsOnly(machines: MachineRecord[]): MachineRecord[] {
  const others = machines.filter(({ mtype }) => mtype !== 'user' && mtype !== 'orga');
  if (others.length === 0) return machines;
  const names = foldNodeset(others.map(({ hostname }) => hostname));
  throw new ProloError('bad-input', `selection: ${names}: no seats, nobody logs in there`, {
    hint: 'such as @mtype:user, or leave those out with -x',
  });
}

/** The account and its password. @throws ProloError `not-found`, `bad-input` */
export async function readAccount(
  site: Site,
  { knex }: Store,
  login: string,
  file: string | undefined,
): Promise<{ login: string; password: string }> {
  const user = (await readUsers(knex)).find((one) => one.login === login);
  if (!user)
    throw new ProloError('not-found', `user ${login}: not in UDB`, {
      hint: `prolo udb add ${login} --group user makes a test account`,
    });
  if (file !== undefined) {
    const [password = ''] = (await readInput(file)).split(/\r?\n/);
    if (password) return { login, password };
    throw new ProloError('bad-input', `--password-file ${file}: its first line is empty`);
  }
  if (user.sealed !== null && site.hasSecret('passwords.key'))
    return { login, password: openPassword(site.secret('passwords.key'), login, user.sealed) };
  return {
    login,
    password: await askHidden(`password of ${login}`, 'name a file of mode 0600 with --password-file'),
  };
}
