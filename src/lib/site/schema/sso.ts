import { Type } from 'typebox';
import { strict } from './shared.ts';

export const Sso = Type.Object(
  {
    overrides: Type.Record(
      Type.String({ format: 'prolo-ip' }),
      Type.String({ pattern: '^[a-z][a-z0-9_-]*$' }),
      {
        description: 'who is taken to sit at an address, whatever presence says: ADDRESS: LOGIN',
        default: {},
      },
    ),
  },
  { ...strict, default: {} },
);
