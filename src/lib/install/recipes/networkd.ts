import { parseCidr } from '../../net.ts';
import type { Config } from '../../site/schema.ts';
import { renderTemplate } from '../../template.ts';
import type { FileWish, RecipeMaker } from '../recipe.ts';

const DIR = '/etc/systemd/network';
const SOURCE_ROUTES = '/usr/local/sbin/prolo-source-routes';

/** A lower one is taken first. */
const metric = (index: number): number => 100 * (index + 1);

/** The gateway's NICs: its address in every network of the site, and the ways out. */
export const networkd: RecipeMaker = ({ site: { config } }) => ({
  name: 'networkd',
  summary: 'the gateway’s addresses, and its uplinks',
  files: [...siteNics(config), ...uplinkNics(config), waitOnline()],
  units: ['systemd-networkd.service'],
});

/** Any other server: each NIC asks DHCP who it is. One with two NICs in one subnet has an address on each, and answers from each. */
export const networkdDhcp: RecipeMaker = ({ site: { config } }) => ({
  name: 'networkd-dhcp',
  summary: 'every NIC asks DHCP; two may be in one subnet',
  needs: ['sysctl'],
  files: [
    {
      path: `${DIR}/20-prolo.network`,
      text: renderTemplate('install/network/server.network', { domain: config.domain }),
    },
    waitOnline(),
    ...sourceRoutes(),
  ],
  checks: [{ argv: ['sh', '-n', SOURCE_ROUTES] }],
  units: ['systemd-networkd.service', 'prolo-source-routes.path', 'prolo-source-routes.service'],
});

/** Answers leave by the card that was asked: networkd has no rule for an address that DHCP gives. */
function sourceRoutes(): FileWish[] {
  const render = (name: string): string =>
    renderTemplate(`install/network/${name}`, { script: SOURCE_ROUTES });
  return [
    { path: SOURCE_ROUTES, text: render('source-routes.sh'), mode: 0o755 },
    { path: '/etc/systemd/networkd.conf.d/prolo.conf', text: render('networkd-foreign.conf') },
    ...['service', 'path'].map((kind) => ({
      path: `/etc/systemd/system/prolo-source-routes.${kind}`,
      text: render(`source-routes.${kind}`),
    })),
  ];
}

function siteNics({ networks, uplinks }: Config): FileWish[] {
  const usual = networks.find((network) => network.interface !== undefined)?.interface;
  const nics = new Set(networks.map((network) => network.interface ?? usual));
  const own = uplinks.flatMap((uplink) => uplink.interface ?? []).filter((name) => !nics.has(name));
  return [...nics].map((nic) => ({
    path: `${DIR}/20-prolo-${nic ?? 'site'}.network`,
    text: renderTemplate('install/network/site.network', {
      nic,
      // Of an unnamed NIC: any but these.
      except: own,
      addresses: networks
        .filter((network) => (network.interface ?? usual) === nic)
        .flatMap(({ cidr, gateway }) => (gateway ? [`${gateway}/${parseCidr(cidr)!.prefix}`] : [])),
      uplinks: uplinks.flatMap((uplink, index) =>
        uplink.address !== undefined && (uplink.interface ?? usual) === nic
          ? [{ ...uplink, metric: metric(index) }]
          : [],
      ),
    }),
  }));
}

/** Those with a NIC of their own. */
function uplinkNics({ networks, uplinks }: Config): FileWish[] {
  const shared = new Set(networks.map((network) => network.interface));
  return uplinks.flatMap((uplink, index) =>
    uplink.interface === undefined || shared.has(uplink.interface)
      ? []
      : [
          {
            path: `${DIR}/20-prolo-${uplink.interface}.network`,
            text: renderTemplate('install/network/uplink.network', { ...uplink, metric: metric(index) }),
          },
        ],
  );
}

const waitOnline = (): FileWish => ({
  path: '/etc/systemd/system/systemd-networkd-wait-online.service.d/prolo.conf',
  text: renderTemplate('install/network/wait-online.conf', {}),
});
