import { Type } from 'typebox';
import { strict } from './shared.ts';

/** What one person may take of a PC, so that root can still get in and see who it is. */
export const Limits = Type.Object(
  {
    tasks: Type.Integer({ minimum: 64, description: 'processes and threads of one person', default: 2048 }),
    memoryPercent: Type.Integer({
      minimum: 10,
      maximum: 95,
      description: 'of a PC’s memory, for one person',
      default: 75,
    }),
    linkMbit: Type.Integer({
      minimum: 1,
      description: 'what a PC’s cable carries, in Mbit/s: its traffic is shaped just below it',
      default: 1000,
    }),
    reservedPercent: Type.Integer({
      minimum: 1,
      maximum: 50,
      description: 'of that, always left for SSH, metrics and what PCs ask of the gateway',
      default: 10,
    }),
  },
  { ...strict, default: {} },
);
