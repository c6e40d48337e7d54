import type { Knex } from 'knex';
import { ProloError } from '../../errors.ts';
import { findSeat } from './table.ts';

/** A home is free while its owner is logged on nowhere. @throws ProloError `conflict` that says where its owner is */
export async function mustBeFree(db: Knex, login: string): Promise<void> {
  const seat = await findSeat(db, login);
  if (seat)
    throw new ProloError('conflict', `home ${login}: logged on at ${seat.hostname}`, {
      hint: `log them out first: \`prolo presence logout ${login}\``,
    });
}
