import { renderTemplate } from '../../template.ts';
import { SERVICES } from '../../site/site.ts';
import type { RecipeMaker } from '../recipe.ts';

/**
 * The gateway knows its own services without asking anybody: its named answers with zones that daemons write who ask those very
 * services.
 */
export const hosts: RecipeMaker = ({ site: { config }, hostname }) => ({
  name: 'hosts',
  summary: 'the gateway’s own services have their names before named answers',
  files: [
    {
      path: '/etc/hosts',
      text: renderTemplate('install/hosts', {
        hostname,
        domain: config.domain,
        address: config.networks.find(({ role, gateway }) => role === 'machines' && gateway)?.gateway,
        services: SERVICES.filter((name) => name !== 'hfs'),
      }),
      replace: true,
    },
  ],
});
