import { Type } from 'typebox';
import type { RpcMethods } from '../../rpc/call.ts';
import { Epoch, HomeName, Login, Server } from '../params.ts';
import type { Claim } from './decide.ts';
import type { Homes } from './homes.ts';

const Ip = Type.String({ maxLength: 45, pattern: '^[0-9a-fA-F.:]+$', description: 'an address' });

/** What servers ask. */
export function createServerMethods(homes: Homes): RpcMethods {
  const secret = 'hfs.control';
  const claim = Type.Object({ login: HomeName, hfs: Server, epoch: Epoch });
  return {
    open: {
      description: 'What a server shall do for whoever asks it for a home: make it, serve it, or fetch it.',
      secret,
      params: Type.Object({ login: Login, hfs: Server, ip: Ip }),
      result: Type.Object({}),
      run: (kwargs) => {
        const { login, hfs, ip } = kwargs as { login: string; hfs: number; ip: string };
        return homes.open(login, hfs, ip);
      },
    },
    created: {
      description: 'A new home is on its disk: from now on it may be served.',
      secret,
      params: claim,
      result: Type.Null(),
      run: (kwargs) => homes.created(kwargs as unknown as Claim),
    },
    finish_move: {
      description: 'Both sides are equal: asks the old server for its word, and records the new owner.',
      secret,
      params: claim,
      result: Type.Null(),
      run: (kwargs) => homes.finishMove(kwargs as unknown as Claim),
    },
    abort_move: {
      description: 'A move is given up, unless it was finished before; the row says which.',
      secret,
      params: claim,
      result: Type.Object({}),
      run: (kwargs) => homes.abortMove(kwargs as unknown as Claim),
    },
    homes: {
      description: 'The homes that concern a server: its own, and those on their way to it.',
      secret,
      params: Type.Object({ hfs: Server }),
      result: Type.Array(Type.Object({})),
      run: ({ hfs }) => homes.list(hfs as number),
    },
  };
}
