import type { Knex } from 'knex';
import { ProloError } from '../../errors.ts';
import { findPresence } from '../../presence/table.ts';
import { parseHomeName } from '../home-name.ts';
import { mayBeInUse } from './sets.ts';
import { findSession } from './sets-table.ts';

/** A home is free while its owner is logged on nowhere, or works in another one. @throws ProloError `conflict` that says where its owner is */
export async function mustBeFree(db: Knex, name: string): Promise<void> {
  const { login, set } = parseHomeName(name);
  const session = await findPresence(db, login);
  if (session && mayBeInUse(set, session, await findSession(db, login)))
    throw new ProloError('conflict', `home ${name}: logged on at ${session.hostname}`, {
      hint: `log them out first: \`prolo presence logout ${login}\``,
    });
}
