import { Type } from 'typebox';
import type { RpcMethods } from '../rpc/call.ts';
import { settleMove } from './fetch.ts';
import { Epoch, HomeName, Server } from './params.ts';
import { listServed } from './served.ts';
import { endHome, type Hfs } from './server.ts';
import { beginSource, endSource } from './source.ts';

/** How long a move to here may go on once hfsdb wants it settled; then it is given up. */
const SETTLE_MS = 15_000;

/** What hfsdb, and a server that a home moves to, ask of this one (`protocol.ts`). */
export function createServerMethods(hfs: Hfs): RpcMethods {
  const secret = 'hfs.control';
  const departure = { login: HomeName, epoch: Epoch, target_epoch: Epoch };
  return {
    begin_source: {
      description: 'Serves a home to the server that it moves to, and to nobody else any more.',
      secret,
      params: Type.Object({ ...departure, hfs: Server }),
      result: Type.Object({}),
      run(kwargs, { ip }) {
        const { login, epoch, target_epoch } = kwargs as Departure;
        return hfs.locked(login, () =>
          beginSource(hfs, { login, epoch, targetEpoch: target_epoch, peer: ip }),
        );
      },
    },
    end_source: {
      description: 'The durable word that this server serves a home no more.',
      secret,
      params: Type.Object(departure),
      result: Type.Boolean(),
      async run(kwargs) {
        const { login, epoch, target_epoch } = kwargs as Departure;
        await hfs.locked(login, () => endSource(hfs, { login, epoch, targetEpoch: target_epoch }));
        return true;
      },
    },
    settle: {
      description: 'Resolves when no move of a home to here is going on any more.',
      secret,
      params: Type.Object({ login: HomeName }),
      result: Type.Boolean(),
      async run({ login }) {
        await settleMove(hfs, login as string, SETTLE_MS);
        return true;
      },
    },
    stop: {
      description: 'Ends what serves a home here.',
      secret,
      params: Type.Object({ login: HomeName }),
      result: Type.Boolean(),
      async run({ login }) {
        await hfs.locked(login as string, () => endHome(hfs, login as string));
        return true;
      },
    },
    served: {
      description: 'The homes on this server, and which of them are served.',
      secret,
      params: Type.Object({}),
      result: Type.Array(Type.Object({})),
      run: () => listServed(hfs, Date.now()),
    },
  };
}

type Departure = { login: string; epoch: number; target_epoch: number };
