import { ownAddresses } from '../../own-addresses.ts';
import { discover, type Offer } from '../dhcp-discover.ts';
import { check, green, NotChecked, type Patient, red } from '../check.ts';

interface Facts {
  wires: number;
  offers: Offer[];
  /** Who may offer. */
  ours: string[];
}

/** Servers that first look whether an address is free take three seconds for it. */
const WAIT_MS = 4_500;
/** Of no machine: a locally administered address. */
const OUR_MAC = '02:70:72:6f:6c:6f';

/** Nobody else on the site's wires hands out addresses. */
export const foreignDhcp = check({
  name: 'foreign-dhcp',
  subject: 'no other DHCP server on the wire',
  async gather({ site, signal }: Patient): Promise<Facts> {
    const own = ownAddresses();
    const gateways = site.config.networks.flatMap(({ role, gateway }) =>
      role === 'machines' && gateway ? [gateway] : [],
    );
    const here = gateways.filter((gateway) => own.has(gateway));
    if (here.length === 0)
      throw new NotChecked('this host has no gateway address of a network', 'run it on the gateway');
    const ask = (source: string): Promise<Offer[]> =>
      discover(source, { mac: OUR_MAC, waitMs: WAIT_MS, signal }).catch(explainDiscover);
    const offers = (await Promise.all(here.map(ask))).flat();
    return { wires: here.length, offers, ours: [...own] };
  },
  decide({ wires, offers, ours }: Facts) {
    const foreign = offers.filter(({ server, from }) => !ours.includes(server) && !ours.includes(from));
    const said = new Map(foreign.map((offer) => [offer.server, offer]));
    return said.size > 0
      ? [...said.values()].map(({ server, ip }) =>
          red(
            `${server}: it hands out addresses too, such as ${ip}`,
            `ip neigh get ${server} dev NIC tells its MAC; prolo mdb switch list its switch: unplug it`,
          ),
        )
      : [green(`no offer of another on ${wires} ${wires === 1 ? 'network' : 'networks'}`)];
  },
});

/** @throws NotChecked always: why nobody could be asked */
export function explainDiscover(error: unknown): never {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM')
    throw new NotChecked('it needs root', 'sudo prolo doctor --only foreign-dhcp');
  if (code === 'EADDRINUSE') throw new NotChecked('a DHCP client of this host has port 68');
  throw new NotChecked(message);
}
