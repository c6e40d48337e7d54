import { Type } from 'typebox';
import { argv, strict } from './shared.ts';

const mtypes = Type.Enum(['user', 'orga', 'cluster', 'service']);
const groups = Type.Enum(['user', 'orga', 'root']);

export const Contest = Type.Object(
  {
    groups: Type.Array(groups, {
      description:
        'people who get the homes of the contest while it runs, and lose the internet, whatever `firewall` says',
      default: ['user'],
    }),
    mtypes: Type.Array(mtypes, {
      description: 'machines that lose it, as far as nobody who keeps it is logged on there',
      default: ['user'],
    }),
    services: Type.Array(Type.String({ pattern: '^[A-Za-z0-9@_.:-]+\\.(service|socket|target)$' }), {
      description: "the gateway's systemd units that run while the contest does, and not otherwise",
      default: [],
    }),
    probe: Type.String({
      pattern: '^(\\d{1,3}(\\.\\d{1,3}){3}:\\d{1,5})?$',
      description: 'ADDRESS:PORT on the internet that seats try with `contest status --probe`; empty: none',
      default: '',
    }),
    systemctl: argv('the program systemctl, as the daemon runs it', ['systemctl']),
  },
  { ...strict, default: {} },
);
