import type { Knex } from 'knex';
import { ProloError } from '../../errors.ts';
import { findPresence } from '../../presence/table.ts';
import type { Config, Group } from '../../site/schema.ts';
import type { Tx } from '../../store/store.ts';
import { type HomeKey, homeName, parseHomeName, USUAL } from '../home-name.ts';
import type { Home, HomeStatus, Seat } from '../protocol.ts';
import type { Whereabouts } from './seat.ts';

/** PostgreSQL gives a bigint as text. */
type Row = Omit<Home, 'size_bytes'> & HomeKey & { size_bytes: number | string };

function toHome({ set, ...row }: Row): Home {
  return { ...row, login: homeName({ login: row.login, set }), size_bytes: Number(row.size_bytes) };
}

/**
 * The row of one home, if there is one, and the highest epoch that any home of its owner ever had: the next is above that, so
 * that no two images of one person are of the same epoch.
 */
export async function findHomeOf(
  db: Knex,
  name: string,
): Promise<{ home: Home | undefined; last_epoch: number }> {
  const { login, set } = parseHomeName(name);
  const rows = (await db('homes').where({ login })) as Row[];
  const last_epoch = Math.max(0, ...rows.map((row) => row.last_epoch));
  const row = rows.find((one) => one.set === set);
  return { home: row && { ...toHome(row), last_epoch }, last_epoch };
}

export async function findHome(db: Knex, name: string): Promise<Home | undefined> {
  return (await findHomeOf(db, name)).home;
}

/** @throws ProloError `not-found` */
export async function mustFindHome(db: Knex, name: string): Promise<Home> {
  const home = await findHome(db, name);
  if (home) return home;
  throw new ProloError('not-found', `home ${name}: there is none`, {
    hint: 'it is made when its owner logs in for the first time',
  });
}

export async function writeHome(tx: Tx, home: Home): Promise<void> {
  await tx('homes')
    .insert({ ...home, ...parseHomeName(home.login) })
    .onConflict(['login', 'set'])
    .merge();
}

/** All homes, or those that concern one server, in order of name, each with where its owner sits who has it there. */
export async function listHomes(db: Knex, hfs?: number): Promise<HomeStatus[]> {
  const query = db('homes')
    .leftJoin('presence', 'presence.login', 'homes.login')
    .leftJoin('machines', 'machines.hostname', 'presence.hostname')
    .leftJoin('home_sessions', 'home_sessions.login', 'homes.login')
    .select('homes.*', 'presence.hostname', 'presence.ip', 'machines.ip as now_ip')
    .select('home_sessions.set as given');
  if (hfs !== undefined) void query.where({ 'homes.hfs': hfs }).orWhere({ 'homes.target': hfs });
  const rows = (await query) as (Row & {
    hostname: string | null;
    ip: string;
    now_ip: string | null;
    given: string | null;
  })[];
  return rows
    .map(({ hostname, ip, now_ip, given, ...row }) => ({
      ...toHome(row),
      seat: hostname === null || row.set !== (given ?? USUAL) ? null : { hostname, ip: now_ip ?? ip },
    }))
    .sort((a, b) => (a.login < b.login ? -1 : 1)); // a database's own order depends on its locale
}

/** Where a login is; its machine's address as MDB has it now. */
export async function findSeat(db: Knex, login: string): Promise<Seat | null> {
  const presence = await findPresence(db, login);
  if (!presence) return null;
  const { hostname } = presence;
  const machine = (await db('machines').where({ hostname }).first('ip')) as { ip: string } | undefined;
  return { hostname, ip: machine?.ip ?? presence.ip };
}

export async function findWhereabouts(db: Knex, login: string, ip: string): Promise<Whereabouts> {
  const machine = (await db('machines').where({ ip }).first('hostname')) as { hostname: string } | undefined;
  return { seat: await findSeat(db, login), caller: machine?.hostname ?? null };
}

export interface Owner {
  login: string;
  uid: number;
  gid: number;
  group: Group;
  /** Of a new home of this person's. */
  size_bytes: number;
}

/** @throws ProloError `not-found`, or `forbidden` for who may have no home */
export async function findOwner(db: Knex, config: Config, login: string): Promise<Owner> {
  const user = (await db('users').where({ login }).first('uid', 'group')) as
    { uid: number; group: Group } | undefined;
  if (!user)
    throw new ProloError('not-found', `user ${login}: not in UDB`, {
      hint: '`prolo udb list` shows those that are',
    });
  const { gid, quotaBytes } = config.groups[user.group];
  const quota = (await db('quotas').where({ login }).first('size_bytes')) as
    { size_bytes: number | string } | undefined;
  const size = Number(quota?.size_bytes ?? quotaBytes);
  if (size > 0) return { login, uid: user.uid, gid, group: user.group, size_bytes: size };
  throw new ProloError('forbidden', `home ${login}: its quota is 0`, {
    hint: `\`prolo hfs resize ${login} 2G\` gives it one; or see groups.${user.group}.quotaBytes in prolo.yml`,
  });
}

export async function writeQuota(tx: Tx, login: string, sizeBytes: number): Promise<void> {
  await tx('quotas').insert({ login, size_bytes: sizeBytes }).onConflict('login').merge();
}
