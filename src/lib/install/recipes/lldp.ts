import { renderTemplate } from '../../template.ts';
import type { RecipeMaker } from '../recipe.ts';

/** Hears which switch this host is on. A server that spoke LLDP would be taken for a switch by PCs that register. */
export const lldp: RecipeMaker = () => ({
  name: 'lldp',
  summary: 'hears switches, never speaks',
  packages: ['lldpd'],
  files: [
    {
      path: '/etc/systemd/system/lldpd.service.d/prolo.conf',
      text: renderTemplate('install/network/lldpd.conf', {}),
    },
  ],
  units: ['lldpd.service'],
});
