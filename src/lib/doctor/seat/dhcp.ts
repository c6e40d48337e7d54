import { check, type Finding, green, NotChecked, red } from '../check.ts';
import { explainDiscover } from '../checks/foreign-dhcp.ts';
import { discover, type Offer } from '../dhcp-discover.ts';
import { NODES, type Order, type SeatPatient } from './order.ts';

export interface Offered {
  order: Pick<Order, 'ip' | 'dhcpServers'>;
  offers: Offer[];
}

/** A server that first looks whether an address is free takes three seconds for it. */
const WAIT_MS = 4_500;

/** What the machine would be offered if it booted now, and by whom. */
export const seatDhcp = check({
  name: 'dhcp',
  subject: 'it is offered its address, and by nobody else',
  async gather({ order, signal }: SeatPatient): Promise<Offered> {
    if (!order.served) throw new NotChecked('its network is not served by DHCP');
    const { ip, mac } = order;
    return { order, offers: await discover(ip, { mac, waitMs: WAIT_MS, signal }).catch(explainDiscover) };
  },
  decide: judgeOffers,
});

export function judgeOffers({ order, offers }: Offered): Finding[] {
  const isOurs = ({ server, from }: Offer): boolean =>
    order.dhcpServers.includes(server) || order.dhcpServers.includes(from);
  const ours = offers.filter(isOurs);
  const found: Finding[] = [];
  for (const server of new Set(offers.filter((offer) => !isOurs(offer)).map((offer) => offer.server)))
    found.push(
      red(
        `${server} hands out addresses too`,
        `ip neigh get ${server} dev NIC tells its MAC; prolo mdb switch list its switch: unplug it`,
      ),
    );
  if (ours.length === 0)
    found.push(red('the DHCP server offers it nothing', 'prolo doctor --only dhcp; is there DHCP snooping?'));
  else if (!ours.some(({ ip }) => ip === order.ip))
    found.push(
      red(
        `the DHCP server offers it another address than MDB says`,
        `prolo doctor --only dhcp; prolo mdb show ${NODES}`,
      ),
    );
  return found.length > 0 ? found : [green('its own address is offered, and no other')];
}
