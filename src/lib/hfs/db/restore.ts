import type { Knex } from 'knex';
import { asProloError, ProloError } from '../../errors.ts';
import { audit } from '../../store/change-log.ts';
import { type Store, transact, type Tx } from '../../store/store.ts';
import { lastBefore } from '../backup/choose.ts';
import type { Snapshot } from '../backup/restic.ts';
import { ownerOf } from '../home-name.ts';
import type { Home } from '../protocol.ts';
import { describeHome } from './decide.ts';
import { mustBeFree } from './free.ts';
import type { Homes } from './homes.ts';
import { LIST_MS } from './restorable.ts';
import { TRY_MS } from './servers.ts';
import { findHome, findHomeOf, writeHome } from './table.ts';

/** Of a whole image, read from the repository and checked. */
const PREPARE_MS = 30 * 60_000;
/** While nobody else can open the home. */
const STEP_MS = 5_000;

export interface Restore {
  login: string;
  /** Only what was stored before; ISO 8601, UTC. */
  at?: string;
  snapshot?: string;
  kept?: { hfs: number; epoch: number };
  /** The server that gets it; default: the one that has the home. */
  to?: number;
  /** The operator's word that the server which has the home is dead. */
  force: boolean;
  actor: string;
}

export interface Restored {
  home: Home;
  /** What it was restored from, and when that was. */
  from: string;
  time: string;
}

/**
 * Makes an earlier state of a home the home, at a new epoch. What it was stays on its server as an old image.
 * @throws ProloError `conflict` while its owner is logged on, or it moves; nothing has changed then
 */
export async function restoreHome(homes: Homes, store: Store, want: Restore): Promise<Restored> {
  const { login, force } = want;
  const row = await findHome(store.knex, login);
  const to = want.kept?.hfs ?? want.to ?? row?.hfs;
  if (to === undefined)
    throw new ProloError('bad-input', `home ${login}: no server has it`, { hint: 'name one with --to' });
  if (!force) await mayBeReplaced(store.knex, login, row);
  const { sizeBytes, from, time } = await prepare(homes, want, to);
  try {
    if (row && force) await stopWhatAnswers(homes, row, to);
    else if (row) await homes.ask(row.hfs, 'stop', { login });
    const home = await homes.alone(login, () => replace(homes, store, want, { row, to, sizeBytes, from }));
    return { home, from, time };
  } catch (error) {
    await homes.ask(to, 'discard_restore', { login }, TRY_MS).catch(() => undefined);
    throw error;
  }
}

/**
 * Servers are asked before the transaction, since all writers wait for one: the row cannot change meanwhile, and whether
 * its owner has logged on is looked at again in it.
 */
async function replace(
  homes: Homes,
  store: Store,
  { login, force, actor }: Restore,
  { row, to, sizeBytes, from }: { row: Home | undefined; to: number; sizeBytes: number; from: string },
): Promise<Home> {
  const check = async (db: Knex): Promise<{ home: Home | undefined; last_epoch: number }> => {
    const found = await findHomeOf(db, login);
    const now = found.home;
    if (now?.epoch !== row?.epoch)
      throw new ProloError('conflict', `home ${login}: it has moved meanwhile`, { hint: 'restore it again' });
    if (!force) await mayBeReplaced(db, login, now);
    return found;
  };
  const { home: before, last_epoch } = await check(store.knex);
  const epoch = last_epoch + 1;
  try {
    if (before && !force)
      await homes.ask(before.hfs, 'end_source', { login, epoch: before.epoch, target_epoch: epoch }, STEP_MS);
    await homes.ask(to, 'place_restored', { login, epoch }, STEP_MS);
    return await transact(store, async (tx) => {
      await check(tx);
      const restored: Home = {
        ...{ login, hfs: to, epoch, last_epoch: epoch, state: 'here', target: null, target_epoch: null },
        size_bytes: sizeBytes,
        changed_at: new Date().toISOString(),
      };
      await writeHome(tx, restored);
      const was = before ? `, was ${describeHome(before)}` : '';
      const word = force ? ', without its word' : '';
      const details = `${login} from ${from}: ${describeHome(restored)}${was}${word}`;
      await audit(tx, actor, 'home restore', details);
      return restored;
    });
  } catch (error) {
    await transact(store, (tx) => spendEpoch(tx, login, epoch)).catch(() => undefined);
    throw error;
  }
}

/** An image, or a server's word, may bear it: no home of its owner gets it, also where this one has no row yet. */
async function spendEpoch(tx: Tx, login: string, epoch: number): Promise<void> {
  const others = tx('homes').where({ login: ownerOf(login) });
  await others.andWhere('last_epoch', '<', epoch).update({ last_epoch: epoch });
}

async function mayBeReplaced(db: Knex, login: string, row: Home | undefined): Promise<void> {
  await mustBeFree(db, login);
  if (row && row.state !== 'here')
    throw new ProloError('conflict', `home ${login}: it is ${describeHome(row)}`, {
      hint: 'wait until it has moved; --force where its server is dead',
    });
}

/** Whoever is dead does not answer; whoever is not learns of it here, and from the row at the latest. */
async function stopWhatAnswers(homes: Homes, { login, hfs, target }: Home, to: number): Promise<void> {
  const servers = [...new Set([hfs, to, ...(target === null ? [] : [target])])];
  await Promise.all(
    servers.map((server) => homes.ask(server, 'stop', { login }, TRY_MS).catch(() => undefined)),
  );
}

/** The image of what is wanted, on that server; where the newest was cut short, of the one before. */
async function prepare(
  homes: Homes,
  { login, at, snapshot, kept }: Restore,
  to: number,
): Promise<{ sizeBytes: number; from: string; time: string }> {
  if (kept) {
    const sizeBytes = await homes.ask(to, 'prepare_restore', { login, kept: kept.epoch }, PREPARE_MS);
    const from = `the old image of epoch ${kept.epoch} on hfs ${kept.hfs}`;
    return { sizeBytes: sizeBytes as number, from, time: '' };
  }
  let list = (await homes.ask(to, 'snapshots', { login }, LIST_MS)) as Snapshot[];
  if (snapshot !== undefined)
    list = list.filter(({ id }) => id.startsWith(snapshot) || snapshot.startsWith(id));
  for (let tries = 0; tries < 3; tries++) {
    const chosen = lastBefore(list, at);
    if (!chosen) break;
    try {
      const ask = { login, snapshot: chosen.id };
      const sizeBytes = (await homes.ask(to, 'prepare_restore', ask, PREPARE_MS)) as number;
      return { sizeBytes, from: `snapshot ${chosen.id}`, time: chosen.time };
    } catch (error) {
      if (asProloError(error).kind !== 'refused' || snapshot !== undefined) throw error;
      list = list.slice(0, list.indexOf(chosen));
    }
  }
  throw new ProloError('not-found', `home ${login}: no backup${at === undefined ? '' : ` of before ${at}`}`, {
    hint: `\`prolo hfs restore ${login} --list\` shows what there is`,
  });
}
