import { Type } from 'typebox';
import { strict, text } from './shared.ts';

export const Presence = Type.Object(
  {
    timeoutSeconds: Type.Integer({
      minimum: 2,
      description: 'a session that is not heard of for so long has ended; heartbeats come twice as often',
      default: 30,
    }),
    socket: text('where presenced listens on a PC, for its root alone', '/run/prolo/presenced.sock'),
    openSeconds: Type.Integer({
      minimum: 5,
      description: 'a login whose session does not begin within this is undone',
      default: 60,
    }),
  },
  { ...strict, default: {} },
);
