import { parseCidr } from '../../net.ts';
import { renderTemplate } from '../../template.ts';
import type { Host, Recipe, RecipeMaker } from '../recipe.ts';

/** The kernel's tables, for a large subnet. */
export const sysctl: RecipeMaker = (host) => recipe(host, 'sysctl', 'kernel tables for a large subnet');

/** As `sysctl`, on a host that passes packets on. */
export const router: RecipeMaker = (host) => recipe(host, 'router', 'passes packets between networks');

function recipe({ site }: Host, name: 'sysctl' | 'router', summary: string): Recipe {
  const hosts = site.config.networks
    .map(({ cidr }) => parseCidr(cidr)!)
    .reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const neighbours = Math.max(1024, 2 ** Math.ceil(Math.log2(hosts)));
  return {
    name,
    summary,
    files: [
      {
        path: `/etc/sysctl.d/60-prolo-${name}.conf`,
        text: renderTemplate('install/sysctl.conf', { neighbours, router: name === 'router' }),
      },
    ],
    afterwards: [['sysctl', '--system']],
  };
}
