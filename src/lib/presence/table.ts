import type { Knex } from 'knex';

/** A login on a machine, as the database has it. */
export interface Association {
  login: string;
  hostname: string;
  /** The machine's address when the session began. */
  ip: string;
  /** ISO 8601, UTC */
  since: string;
}

/** Who is logged on where, in order of login. Only presencesync writes this while it runs. */
export async function listPresence(db: Knex): Promise<Association[]> {
  return db<Association>('presence').select('login', 'hostname', 'ip', 'since').orderBy('login');
}

/** Where one login is, if anywhere. */
export async function findPresence(db: Knex, login: string): Promise<Association | undefined> {
  return db<Association>('presence').where({ login }).first('login', 'hostname', 'ip', 'since');
}
