import type { Config } from '../../site/schema.ts';
import type { Store } from '../../store/store.ts';
import type { Homes } from './homes.ts';

/** A server that answers, with the room that it has. */
export interface Alive {
  hfs: number;
  freeBytes: number;
}

/** For servers that may be dead. */
export const TRY_MS = 3_000;

/** Numbers of all servers that the site knows of. */
export async function listServers(store: Store, config: Config): Promise<number[]> {
  const numbers = async (table: string): Promise<number[]> =>
    ((await store.knex(table).distinct('hfs')) as { hfs: number | null }[]).flatMap(({ hfs }) => hfs ?? []);
  const all = await Promise.all(['machines', 'switches', 'homes'].map(numbers));
  return [...new Set([...config.hfs.up, ...all.flat()])].sort((a, b) => a - b);
}

/** Those of them that answer. */
export async function listAlive(homes: Homes, store: Store, config: Config): Promise<Alive[]> {
  const servers = await listServers(store, config);
  const answers = await Promise.all(
    servers.map(async (hfs) => {
      const freeBytes = await homes.ask(hfs, 'space', {}, TRY_MS).catch(() => undefined);
      return freeBytes === undefined ? [] : [{ hfs, freeBytes: freeBytes as number }];
    }),
  );
  return answers.flat();
}
