import { renderTemplate } from '../../template.ts';
import type { RecipeMaker } from '../recipe.ts';

/** What leads from a connection that the internet saw back to an address of the site, in the journal. */
export const conntrack: RecipeMaker = ({ distribution }) => ({
  name: 'conntrack',
  summary: 'logs each connection that leaves by NAT',
  packages: [distribution === 'debian' ? 'conntrack' : 'conntrack-tools'],
  files: [
    { path: '/etc/modules-load.d/prolo-conntrack.conf', text: 'nf_conntrack\nnf_conntrack_netlink\n' },
    {
      path: '/etc/sysctl.d/60-prolo-conntrack.conf',
      text: renderTemplate('install/network/conntrack-sysctl.conf', {}),
    },
    {
      path: '/etc/systemd/system/prolo-conntrack.service',
      text: renderTemplate('install/network/conntrack.service', {}),
    },
  ],
  afterwards: [
    ['modprobe', '-a', 'nf_conntrack', 'nf_conntrack_netlink'],
    ['sysctl', '--system'],
  ],
  units: ['prolo-conntrack.service'],
});
