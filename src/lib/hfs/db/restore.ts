import { asProloError, ProloError } from '../../errors.ts';
import { findPresence } from '../../presence/table.ts';
import type { Config } from '../../site/schema.ts';
import { audit } from '../../store/change-log.ts';
import { type Store, transact, type Tx } from '../../store/store.ts';
import { lastBefore, spread } from '../backup/choose.ts';
import type { KeptCopy } from '../backup/methods.ts';
import type { Snapshot } from '../backup/restic.ts';
import type { Home } from '../protocol.ts';
import { describeHome } from './decide.ts';
import type { Homes } from './homes.ts';
import { findHome, listHomes, writeHome } from './table.ts';

/** Of a whole image, read from the repository and checked. */
const PREPARE_MS = 30 * 60_000;
const LIST_MS = 120_000;
/** While nobody else can open the home. */
const STEP_MS = 5_000;
/** For servers that may be dead. */
const TRY_MS = 3_000;
const RESERVE_BYTES = 256 * 1024 * 1024;

/** What a home can be restored from. */
export interface Restorable {
  snapshots: Snapshot[];
  kept: (KeptCopy & { hfs: number })[];
}

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

/** Numbers of all servers that the site knows of. */
export async function listServers(store: Store, config: Config): Promise<number[]> {
  const numbers = async (table: string): Promise<number[]> =>
    ((await store.knex(table).distinct('hfs')) as { hfs: number | null }[]).flatMap(({ hfs }) => hfs ?? []);
  const all = await Promise.all(['machines', 'switches', 'homes'].map(numbers));
  return [...new Set([...config.hfs.up, ...all.flat()])].sort((a, b) => a - b);
}

/** Those that answer, with the room that they have. */
async function listAlive(homes: Homes, servers: number[]): Promise<{ hfs: number; freeBytes: number }[]> {
  const answers = await Promise.all(
    servers.map(async (hfs) => {
      const freeBytes = await homes.ask(hfs, 'space', {}, TRY_MS).catch(() => undefined);
      return freeBytes === undefined ? [] : [{ hfs, freeBytes: freeBytes as number }];
    }),
  );
  return answers.flat();
}

/** What there is of a login, or of all, on the servers that answer. @throws ProloError `unavailable` where none does */
export async function listRestorable(
  homes: Homes,
  store: Store,
  config: Config,
  login?: string,
): Promise<Restorable> {
  const ask = login === undefined ? {} : { login };
  const alive = await listAlive(homes, await listServers(store, config));
  const [first] = alive;
  if (!first)
    throw new ProloError('unavailable', 'no home file server answers', {
      hint: 'start one: `prolo daemon hfs@0`',
    });
  const kept = await Promise.all(
    alive.map(async ({ hfs }) => {
      const copies = (await homes.ask(hfs, 'kept', ask, STEP_MS).catch(() => [])) as KeptCopy[];
      return copies.map((copy) => ({ ...copy, hfs }));
    }),
  );
  const snapshots = config.hfs.backup.repository
    ? ((await homes.ask(first.hfs, 'snapshots', ask, LIST_MS)) as Snapshot[])
    : [];
  return { snapshots, kept: kept.flat() };
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
  if (!force) await mayBeReplaced(store.knex as Tx, login, row);
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
  const check = async (db: Tx): Promise<Home | undefined> => {
    const now = await findHome(db, login);
    if (now?.epoch !== row?.epoch)
      throw new ProloError('conflict', `home ${login}: it has moved meanwhile`, { hint: 'restore it again' });
    if (!force) await mayBeReplaced(db, login, now);
    return now;
  };
  const before = await check(store.knex as Tx);
  const epoch = (before?.last_epoch ?? 0) + 1;
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

/** An image, or a server's word, may bear it: nobody else gets it. */
async function spendEpoch(tx: Tx, login: string, epoch: number): Promise<void> {
  const now = await findHome(tx, login);
  if (now && now.last_epoch < epoch) await writeHome(tx, { ...now, last_epoch: epoch });
}

async function mayBeReplaced(db: Tx, login: string, row: Home | undefined): Promise<void> {
  const seat = await findPresence(db, login);
  if (seat)
    throw new ProloError('conflict', `home ${login}: logged on at ${seat.hostname}`, {
      hint: `log them out first: \`prolo presence logout ${login}\``,
    });
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
  const alive = await listAlive(homes, await listServers(store, config));
  if (!force && alive.some((server) => server.hfs === hfs))
    throw new ProloError('conflict', `hfs ${hfs}: it answers`, {
      hint: 'move its homes with `prolo hfs move`, nothing is lost then; --force takes their last backups all the same',
    });
  const others = alive.filter((server) => server.hfs !== hfs);
  const rows = (await listHomes(store.knex)).filter((row) => row.hfs === hfs);
  if (rows.length === 0) return { homes: [], lost: [] };
  const { snapshots, kept } = await listRestorable(homes, store, config);
  const plan: Evacuation = { homes: [], lost: [] };
  const last = new Map(snapshots.map((one) => [one.login, one]));
  const wanted = rows.flatMap(({ login }) => {
    const snapshot = last.get(login);
    if (snapshot) return [{ login, bytes: snapshot.bytes, time: snapshot.time }];
    const copy = kept
      .filter((one) => one.login === login && one.hfs !== hfs)
      .sort((a, b) => b.epoch - a.epoch)[0];
    if (copy)
      plan.homes.push({
        ...{ login, to: copy.hfs, time: copy.time, bytes: copy.used_bytes },
        kept: { hfs: copy.hfs, epoch: copy.epoch },
      });
    else plan.lost.push({ login, why: 'no backup' });
    return [];
  });
  const places = spread(wanted, others, RESERVE_BYTES);
  for (const one of wanted) {
    const to = places.get(one.login);
    if (to === undefined) plan.lost.push({ login: one.login, why: 'no server has room for it' });
    else plan.homes.push({ ...one, to });
  }
  plan.homes.sort((a, b) => (a.login < b.login ? -1 : 1));
  return plan;
}
