import type { Known } from '../firewall/allowed.ts';
import type { HomeKey } from '../hfs/home-name.ts';
import type { HomeSession, SessionId } from '../hfs/db/sets.ts';
import { listChoices, listMade, listSessions } from '../hfs/db/sets-table.ts';
import { listMachines } from '../mdb/machines.ts';
import { getSetting } from '../mdb/settings.ts';
import { listPresence } from '../presence/table.ts';
import type { Config } from '../site/schema.ts';
import { readTogether, type Store } from '../store/store.ts';
import { readUsers } from '../udb/users.ts';
import { type Heard, listApplied } from './applied.ts';
import type { ContestMode } from './mode.ts';
import { readMode } from './table.ts';

/** What the database knows of all that a contest concerns, from one moment. */
export interface Facts {
  known: { [K in 'machines' | 'users']: NonNullable<Known[K]> } & {
    sessions: ReadonlyMap<string, SessionId>;
  };
  mode: ContestMode;
  heard: Heard[];
  /** What the setting says, whether the contest runs or not. */
  registration: boolean;
  homes: {
    /** Those that there are. */
    made: HomeKey[];
    /** By login: which of theirs people were given last, and which an operator has said. */
    given: Map<string, HomeSession>;
    chosen: Map<string, string>;
  };
  config: Pick<Config, 'firewall' | 'contest'>;
}

export function readFacts(store: Store, config: Config): Promise<Facts> {
  return readTogether(store, async (tx) => ({
    known: {
      machines: new Map((await listMachines(tx)).map((machine) => [machine.mac, machine])),
      users: new Map((await readUsers(tx)).map(({ login, group }) => [login, { group }])),
      sessions: new Map((await listPresence(tx)).map((session) => [session.login, session])),
    },
    mode: await readMode(tx),
    heard: await listApplied(tx),
    registration: (await getSetting(tx, 'allow_self_registration')) === 'true',
    homes: {
      made: await listMade(tx),
      given: new Map((await listSessions(tx)).map((session) => [session.login, session])),
      chosen: await listChoices(tx),
    },
    config,
  }));
}
