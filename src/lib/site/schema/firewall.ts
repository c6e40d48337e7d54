import { Type } from 'typebox';
import { argv, strict } from './shared.ts';

const mtypes = Type.Enum(['user', 'orga', 'cluster', 'service']);
const groups = Type.Enum(['user', 'orga', 'root']);

export const Firewall = Type.Object(
  {
    mtypes: Type.Array(mtypes, {
      description: 'machines that reach the internet, whoever sits there',
      default: ['service'],
    }),
    groups: Type.Array(groups, {
      description: 'people who reach the internet from where they are logged on',
      default: ['user', 'orga', 'root'],
    }),
    addresses: Type.Array(Type.String({ format: 'prolo-ip' }), {
      description: 'addresses that always reach the internet',
      default: [],
    }),
    nat: Type.Boolean({ description: 'whether the gateway gives them its own address', default: true }),
    log: Type.Boolean({
      description: 'whether the kernel logs each connection to the internet as it begins',
      default: true,
    }),
    nft: argv('the program nft, as the firewall runs it', ['nft']),
  },
  { ...strict, default: {} },
);
