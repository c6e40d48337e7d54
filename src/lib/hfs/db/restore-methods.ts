import { Type } from 'typebox';
import type { RpcMethods } from '../../rpc/call.ts';
import type { Config } from '../../site/schema.ts';
import type { Store } from '../../store/store.ts';
import { Epoch, HomeName, Server } from '../params.ts';
import { planEvacuation } from './evacuate.ts';
import type { Homes } from './homes.ts';
import { listRestorable } from './restorable.ts';
import { type Restore, restoreHome } from './restore.ts';

/** What operators ask about backups. */
export function createRestoreMethods(homes: Homes, store: Store, config: Config): RpcMethods {
  const secret = 'hfs.control';
  return {
    restorable: {
      description: 'The backups of a home, and the old images that servers still have of it.',
      secret,
      params: Type.Object({ login: HomeName }),
      result: Type.Object({}),
      run: ({ login }) => listRestorable(homes, store, config, login as string),
    },
    restore: {
      description: 'Makes an earlier state of a home the home.',
      secret,
      params: Type.Object({
        login: HomeName,
        at: Type.Optional(Type.String({ maxLength: 32, pattern: '^\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z$' })),
        snapshot: Type.Optional(Type.String({ pattern: '^[0-9a-f]{4,64}$', description: 'a snapshot' })),
        kept: Type.Optional(Type.Object({ hfs: Server, epoch: Epoch })),
        to: Type.Optional(Server),
        force: Type.Boolean(),
        actor: Type.String({ maxLength: 128 }),
      }),
      result: Type.Object({}),
      run: (kwargs) => restoreHome(homes, store, kwargs as unknown as Restore),
    },
    evacuation: {
      description: 'Where the homes of a dead server would go.',
      secret,
      params: Type.Object({ hfs: Server, force: Type.Boolean() }),
      result: Type.Object({}),
      run: ({ hfs, force }) => planEvacuation(homes, store, config, hfs as number, force as boolean),
    },
  };
}
