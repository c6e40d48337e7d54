import { Type } from 'typebox';
import { duration, strict, text } from './shared.ts';

export const Accounts = Type.Object(
  {
    root: text('where the /etc and /root are that passwd and rootssh keep', '/'),
    groups: Type.Array(Type.Enum(['user', 'orga', 'root']), {
      description: 'groups of UDB whose people have an account on this host',
      default: ['user', 'orga', 'root'],
    }),
    waitSeconds: duration('how long a start waits for accounts before others go on without them', 20),
  },
  { ...strict, default: {} },
);
