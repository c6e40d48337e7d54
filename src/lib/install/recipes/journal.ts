import { renderTemplate } from '../../template.ts';
import type { RecipeMaker } from '../recipe.ts';

const PORT = 19532;
const AGGREGATOR = 'journal-aggregator';

/** What this host logs, told to the host that has the alias journal-aggregator; kept here until that one answers. */
export const journalUpload: RecipeMaker = ({ distribution, site: { config } }) => ({
  name: 'journal-upload',
  summary: `tells its journal to ${AGGREGATOR}`,
  packages: distribution === 'debian' ? ['systemd-journal-remote'] : [],
  files: [
    {
      path: '/etc/systemd/journal-upload.conf.d/prolo.conf',
      text: renderTemplate('install/journal-upload.conf', {
        url: `http://${AGGREGATOR}.${config.domain}:${PORT}`,
      }),
    },
    {
      path: '/etc/systemd/system/systemd-journal-upload.service.d/prolo.conf',
      text: renderTemplate('install/journal-upload-unit.conf', {}),
    },
  ],
  units: ['systemd-journal-upload.service'],
});

/** Hears the journals of all others, a file a host. */
export const journalRemote: RecipeMaker = ({ distribution }) => ({
  name: 'journal-remote',
  summary: 'keeps the journals of all servers',
  packages: distribution === 'debian' ? ['systemd-journal-remote'] : [],
  files: [
    {
      path: '/etc/systemd/system/systemd-journal-remote.service.d/prolo.conf',
      text: renderTemplate('install/journal-remote.conf', {}),
    },
  ],
  units: ['systemd-journal-remote.socket'],
});
