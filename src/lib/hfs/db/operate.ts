import { Type } from 'typebox';
import { asProloError, ProloError } from '../../errors.ts';
import type { RpcMethods } from '../../rpc/call.ts';
import type { Config } from '../../site/schema.ts';
import { audit } from '../../store/change-log.ts';
import { type Store, type Tx } from '../../store/store.ts';
import type { CheckedImage, Home, HomeStatus, ServedHome } from '../protocol.ts';
import { homeName, ownerOf } from '../home-name.ts';
import { HomeName, Login, Server, SetName } from '../params.ts';
import { describeHome, remake } from './decide.ts';
import { findProblems, type Problem } from './doctor.ts';
import { mustBeFree } from './free.ts';
import type { Homes } from './homes.ts';
import { listServers } from './servers.ts';
import { listSets, writeChoice } from './sets-table.ts';
import { findHome, mustFindHome, writeHome, writeQuota } from './table.ts';

/** Of one image, read whole. */
const SLOW_MS = 600_000;
const LOOK_MS = 5_000;

export interface HomesList {
  homes: HomeStatus[];
  /** What each server said, or why it said nothing. */
  servers: { hfs: number; served: ServedHome[]; error: string | null }[];
}

/** What operators ask about homes, and of them. */
export function createOperatorMethods(homes: Homes, store: Store, config: Config): RpcMethods {
  const secret = 'hfs.control';
  const actor = Type.String({ maxLength: 128 });
  return {
    list: {
      description: 'All homes, and what every server says of them.',
      secret,
      params: Type.Object({}),
      result: Type.Object({}),
      run: () => listAll(homes, store, config),
    },
    move: {
      description: 'Moves a home that nobody uses to another server; it answers when the move has begun.',
      secret,
      params: Type.Object({ login: HomeName, hfs: Server, actor }),
      result: Type.Object({}),
      run: (kwargs) => moveHome(homes, store, kwargs as never),
    },
    resize: {
      description: 'Gives a home another size, and its owner that quota.',
      secret,
      params: Type.Object({ login: HomeName, size_bytes: Type.Integer({ minimum: 1 }), actor }),
      result: Type.Union([Type.Object({}), Type.Null()]),
      run: (kwargs) => resizeHome(homes, store, kwargs as never),
    },
    reset: {
      description: 'The next login gets a new home; the old one is kept aside, or deleted.',
      secret,
      params: Type.Object({ login: HomeName, purge: Type.Boolean(), actor }),
      result: Type.Object({}),
      run: (kwargs) => resetHome(homes, store, kwargs as never),
    },
    choose: {
      description:
        'Says which of their homes somebody gets from the next session on; null: as the contest has it.',
      secret,
      params: Type.Object({ login: Login, set: Type.Union([SetName, Type.Null()]), actor }),
      result: Type.Object({ there: Type.Boolean() }),
      run: (kwargs) => chooseHome(homes, store, kwargs as never),
    },
    doctor: {
      description: 'Compares the table with the disks of all servers, and checks what nobody uses.',
      secret,
      params: Type.Object({ fix: Type.Boolean() }),
      result: Type.Array(Type.Object({})),
      run: ({ fix }) => examine(homes, store, config, fix as boolean),
    },
  };
}

async function listAll(homes: Homes, store: Store, config: Config): Promise<HomesList> {
  const servers = await Promise.all(
    (await listServers(store, config)).map(async (hfs) => {
      try {
        const served = (await homes.ask(hfs, 'served', {}, LOOK_MS)) as ServedHome[];
        return { hfs, served, error: null };
      } catch (error) {
        return { hfs, served: [], error: asProloError(error).message };
      }
    }),
  );
  return { homes: await homes.list(), servers };
}

async function moveHome(
  homes: Homes,
  store: Store,
  { login, hfs, actor }: { login: string; hfs: number; actor: string },
): Promise<Home> {
  for (let attempt = 0; attempt < 2; attempt++) {
    await homes.ask(hfs, 'served', {}, LOOK_MS); // a server that is not there gets nothing
    const answer = await homes.decide(login, hfs, async (tx) => {
      await mustBeFree(tx, login);
      const row = await mustFindHome(tx, login);
      if (row.state === 'creating')
        throw new ProloError('not-found', `home ${login}: not made yet`, {
          hint: 'it is made at the next login, where that is',
        });
    });
    if (answer.action !== 'fetch') break;
    const { source, epoch } = answer;
    const ask = { login, epoch, source_hfs: source.hfs, source_epoch: source.epoch };
    if (!(await homes.ask(hfs, 'fetch', ask, SLOW_MS))) continue;
    await homes.update(login, (tx) => audit(tx, actor, 'home move', `${login} to hfs ${hfs}`));
    break;
  }
  return mustFindHome(store.knex, login);
}

async function resizeHome(
  homes: Homes,
  store: Store,
  { login, size_bytes, actor }: { login: string; size_bytes: number; actor: string },
): Promise<Home | null> {
  const owner = ownerOf(login);
  await mustBeUser(store, owner);
  const row = await homes.update(login, async (tx) => {
    const home = await findHome(tx, login);
    if (!home || home.state === 'creating') return undefined;
    await mustBeFree(tx, login);
    if (home.state === 'moving') throw moves(home);
    return home;
  });
  if (row) await homes.ask(row.hfs, 'resize', { login, epoch: row.epoch, size_bytes }, SLOW_MS);
  return homes.update(login, async (tx) => {
    await writeQuota(tx, owner, size_bytes);
    const now = await findHome(tx, login);
    const home = now && { ...now, size_bytes: row || now.state === 'creating' ? size_bytes : now.size_bytes };
    if (home) await writeHome(tx, home);
    await audit(tx, actor, 'home resize', `${login} ${size_bytes}`);
    return home ?? null;
  });
}

async function resetHome(
  homes: Homes,
  store: Store,
  { login, purge, actor }: { login: string; purge: boolean; actor: string },
): Promise<{ home: Home; kept: string | null }> {
  const look = async (tx: Tx): Promise<Home> => {
    await mustBeFree(tx, login);
    const row = await mustFindHome(tx, login);
    if (row.state === 'moving') throw moves(row);
    return row;
  };
  const { hfs } = await homes.update(login, look);
  await homes.ask(hfs, 'stop', { login });
  const before = await homes.update(login, async (tx) => {
    const row = await look(tx);
    await writeHome(tx, remake(row, { ...row, now: new Date().toISOString() }));
    const details = `${login}, was ${describeHome(row)}`;
    await audit(tx, actor, purge ? 'home reset --purge' : 'home reset', details);
    return row;
  });
  const kept = await homes.ask(before.hfs, 'remove', { login, epoch: before.epoch, purge });
  return { home: await mustFindHome(store.knex, login), kept: kept as string | null };
}

async function chooseHome(
  homes: Homes,
  store: Store,
  { login, set, actor }: { login: string; set: string | null; actor: string },
): Promise<{ there: boolean }> {
  await mustBeUser(store, login);
  return homes.update(login, async (tx) => {
    if (set !== null) await mustBeKnown(tx, set);
    await writeChoice(tx, login, set);
    await audit(tx, actor, 'home choose', `${login} ${set ?? 'as the contest has it'}`);
    const home = set === null ? undefined : await findHome(tx, homeName({ login, set }));
    return { there: home !== undefined && home.state !== 'creating' };
  });
}

/** A set is known by its name alone, so a slip would be one more, with empty homes. */
async function mustBeKnown(tx: Tx, set: string): Promise<void> {
  const sets = await listSets(tx);
  if (sets.includes(set)) return;
  throw new ProloError('not-found', `set ${set}: nobody has a home of it, and no contest gives one`, {
    hint: `those that there are: ${sets.join(', ')}`,
  });
}

async function mustBeUser(store: Store, login: string): Promise<void> {
  if (await store.knex('users').where({ login }).first('id')) return;
  throw new ProloError('not-found', `user ${login}: not in UDB`, {
    hint: '`prolo udb list` shows those that are',
  });
}

function moves(row: Home): ProloError {
  return new ProloError('conflict', `home ${row.login}: it is ${describeHome(row)}`, {
    hint: 'wait until it has moved; `prolo hfs list` shows how far it is',
  });
}

async function examine(homes: Homes, store: Store, config: Config, fix: boolean): Promise<Problem[]> {
  const checks = await Promise.all(
    (await listServers(store, config)).map(async (hfs) => ({
      hfs,
      images: (await homes.ask(hfs, 'check', { fix }, SLOW_MS).catch(() => null)) as CheckedImage[] | null,
      old: (await homes.ask(hfs, 'retain', { dry_run: true }, LOOK_MS).catch(() => [])) as string[],
    })),
  );
  return findProblems(await homes.list(), checks);
}
