import { asProloError } from '../errors.ts';
import { listMachines } from '../mdb/machines.ts';
import type { Site } from '../site/site.ts';
import { readTogether, type Store } from '../store/store.ts';
import { listCopies } from './copies.ts';
import { findPlaces, listThere, type Place } from './places.ts';
import { listRunning } from './running.ts';
import { versionsOf } from './staging.ts';
import { decideStatus, type ServerState, type Status } from './status.ts';
import { listBoots, listVersionRows } from './table.ts';
import { listTags } from './tag.ts';

/** Whoever waits for a table does not wait longer for a server. */
const ASK_MS = 4_000;

/**
 * What is where, and who runs what.
 * @param ask the servers too; else what is written down of them counts
 * @returns also why servers cannot be told, where MDB does not say who they are
 */
export async function readStatus(
  site: Site,
  store: Store,
  ask: boolean,
): Promise<Status & { trouble: string | undefined }> {
  const known = await readTogether(store, async (tx) => ({
    rows: await listVersionRows(tx),
    boots: await listBoots(tx),
    machines: await listMachines(tx),
    running: await listRunning(tx),
    tags: await listTags(tx),
    copies: await listCopies(tx),
  }));
  let places: Place[] = [];
  let trouble: string | undefined;
  try {
    if (known.rows.length > 0) places = findPlaces(site, known.machines);
  } catch (error) {
    trouble = asProloError(error).message;
  }
  const servers = await Promise.all(
    places
      .filter(({ numbers }) => numbers.length > 0)
      .map((place) => stateOf(place, ask ? versionsOf(site) : undefined)),
  );
  return { ...decideStatus({ ...known, servers, nowMs: Date.now() }), trouble };
}

/** @param dir of versions, to ask for; undefined: nobody is asked */
async function stateOf(place: Place, dir: string | undefined): Promise<ServerState> {
  const { hostname, numbers } = place;
  const state = { hostname, numbers, versions: undefined };
  if (dir === undefined) return state;
  try {
    return { ...state, versions: await listThere(place, dir, ASK_MS) };
  } catch (error) {
    return { ...state, trouble: asProloError(error).message };
  }
}
