import { ProloError } from '../../errors.ts';
import type { Config } from '../../site/schema.ts';
import type { Store } from '../../store/store.ts';
import { spread } from '../backup/choose.ts';
import type { Homes } from './homes.ts';
import { listRestorable, type Restorable } from './restorable.ts';
import { type Alive, listAlive } from './servers.ts';
import { listHomes } from './table.ts';

/** What stays free on a server that takes homes in. */
const RESERVE_BYTES = 256 * 1024 * 1024;

export interface Evacuation {
  /** Homes that get another server, from their last backup, or from an old image where there is none. */
  homes: { login: string; to: number; time: string; bytes: number; kept?: { hfs: number; epoch: number } }[];
  /** Homes that nothing is left of, or that nobody has room for. */
  lost: { login: string; why: string }[];
}

/**
 * Where the homes of a dead server shall go. Those that were restored before are no longer its own, so an evacuation that was
 * broken off goes on.
 * @throws ProloError `conflict` when that server answers, `unavailable` when no other does
 */
export async function planEvacuation(
  homes: Homes,
  store: Store,
  config: Config,
  hfs: number,
  force: boolean,
): Promise<Evacuation> {
  const alive = await listAlive(homes, store, config);
  if (!force && alive.some((server) => server.hfs === hfs))
    throw new ProloError('conflict', `hfs ${hfs}: it answers`, {
      hint: 'move its homes with `prolo hfs move`, nothing is lost then; --force takes their last backups all the same',
    });
  const rows = (await listHomes(store.knex)).filter((row) => row.hfs === hfs);
  if (rows.length === 0) return { homes: [], lost: [] };
  const logins = rows.map(({ login }) => login);
  return placeHomes(hfs, logins, await listRestorable(homes, store, config), alive);
}

/** From its last backup wherever there is room; where there is none of it, from the newest old image that another server has. */
export function placeHomes(
  dead: number,
  logins: readonly string[],
  { snapshots, kept }: Restorable,
  alive: readonly Alive[],
): Evacuation {
  const plan: Evacuation = { homes: [], lost: [] };
  const last = new Map(snapshots.map((one) => [one.login, one]));
  const stored = logins.flatMap((login) => {
    const snapshot = last.get(login);
    return snapshot ? [{ login, bytes: snapshot.bytes, time: snapshot.time }] : [];
  });
  for (const login of logins.filter((one) => !last.has(one))) {
    const copies = kept.filter((one) => one.login === login && one.hfs !== dead);
    const [copy] = copies.sort((a, b) => b.epoch - a.epoch);
    if (!copy) plan.lost.push({ login, why: 'no backup' });
    else {
      const { hfs, epoch, time, used_bytes } = copy;
      plan.homes.push({ login, to: hfs, time, bytes: used_bytes, kept: { hfs, epoch } });
    }
  }
  const others = alive.filter(({ hfs }) => hfs !== dead);
  const places = spread(stored, others, RESERVE_BYTES);
  for (const one of stored) {
    const to = places.get(one.login);
    if (to === undefined) plan.lost.push({ login: one.login, why: 'no server has room for it' });
    else plan.homes.push({ ...one, to });
  }
  plan.homes.sort((a, b) => (a.login < b.login ? -1 : 1));
  return plan;
}
