import type { Host, Recipe, RecipeMaker } from './recipe.ts';
import { base } from './recipes/base.ts';
import { conntrack } from './recipes/conntrack.ts';
import { daemonRecipes } from './recipes/daemons.ts';
import { dhcp } from './recipes/dhcp.ts';
import { hosts } from './recipes/hosts.ts';
import { journalRemote, journalUpload } from './recipes/journal.ts';
import { lldp } from './recipes/lldp.ts';
import { named } from './recipes/named.ts';
import { networkd, networkdDhcp } from './recipes/networkd.ts';
import { bootFiles, nfsExports } from './recipes/nfs-exports.ts';
import { nginx, nginxSso } from './recipes/nginx.ts';
import { nicConfiguration } from './recipes/nic.ts';
import { ntpServer } from './recipes/ntp.ts';
import { postgresql } from './recipes/postgresql.ts';
import { prolo } from './recipes/prolo.ts';
import { nodeExporter, processExporter, prometheus } from './recipes/prometheus.ts';
import { registration } from './recipes/registration.ts';
import { resolver } from './recipes/resolver.ts';
import { seat } from './recipes/seat.ts';
import { router, sysctl } from './recipes/sysctl.ts';
import { tftp } from './recipes/tftp.ts';

const NETWORK: readonly RecipeMaker[] = [
  networkd,
  networkdDhcp,
  nicConfiguration,
  lldp,
  conntrack,
  named,
  dhcp,
  tftp,
];
const FILES: readonly RecipeMaker[] = [nfsExports, bootFiles, postgresql];
const WATCH: readonly RecipeMaker[] = [
  prometheus,
  nodeExporter,
  processExporter,
  journalUpload,
  journalRemote,
];
const MAKERS: readonly RecipeMaker[] = [
  ...NETWORK,
  ...FILES,
  ...WATCH,
  base,
  hosts,
  sysctl,
  router,
  ntpServer,
  nginx,
  nginxSso,
  prolo,
  registration,
  resolver,
  seat,
  ...daemonRecipes,
];

/** Recipes by name, made for a host. */
export function recipesFor(host: Host): ReadonlyMap<string, Recipe> {
  return new Map(MAKERS.map((make) => make(host)).map((recipe) => [recipe.name, recipe]));
}
