import { Type } from 'typebox';
import { strict } from './shared.ts';

const Uplink = Type.Object(
  {
    interface: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_.:-]{1,15}$',
        description: "the gateway's NIC that it is on; none: the one that the machines are on",
      }),
    ),
    address: Type.Optional(
      Type.String({
        pattern: '^[0-9.]+/([0-9]|[12][0-9]|3[0-2])$',
        description: "the gateway's address there, such as 10.1.2.3/8; none: by DHCP",
      }),
    ),
    gateway: Type.Optional(
      Type.String({ format: 'prolo-ip', description: 'the way out, beside an address' }),
    ),
  },
  strict,
);

export const Uplinks = Type.Array(Uplink, {
  description: 'ways to the internet: the first is taken, the next stands by for when its cable is dead',
  default: [],
});
