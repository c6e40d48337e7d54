import { renderTemplate } from '../../template.ts';
import type { RecipeMaker } from '../recipe.ts';

/** The clock that the site's machines ask. */
export const ntpServer: RecipeMaker = ({ site: { config }, distribution }) => ({
  name: 'ntp-server',
  summary: 'the clock that all machines ask',
  packages: ['chrony'],
  files: [
    {
      path: distribution === 'debian' ? '/etc/chrony/conf.d/prolo.conf' : '/etc/chrony.d/prolo.conf',
      text: renderTemplate('install/chrony-server.conf', {
        networks: config.networks.filter(({ role }) => role !== 'empty').map(({ cidr }) => cidr),
      }),
    },
  ],
  checks: [
    {
      argv: [
        'chronyd',
        '-p',
        '-f',
        distribution === 'debian' ? '/etc/chrony/chrony.conf' : '/etc/chrony.conf',
      ],
    },
  ],
  units: [distribution === 'debian' ? 'chrony.service' : 'chronyd.service'],
});
