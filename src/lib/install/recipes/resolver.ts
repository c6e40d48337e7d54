import { renderTemplate } from '../../template.ts';
import type { RecipeMaker } from '../recipe.ts';

/** Whom a server asks for names: the gateway; the gateway itself, and while its named is down, whom that one asks. */
export const resolver: RecipeMaker = ({ site: { config }, hostname, role }) => ({
  name: 'resolver',
  summary: 'names come from the gateway',
  files: [
    {
      path: '/etc/resolv.conf',
      text: renderTemplate('install/resolv.conf', {
        domain: config.domain,
        servers:
          role === 'gw' || hostname === config.gateway
            ? ['127.0.0.1', ...config.dns.forwarders.slice(0, 2)]
            : config.networks
                .flatMap(({ role, gateway }) => (role === 'machines' && gateway ? [gateway] : []))
                .slice(0, 1),
      }),
      replace: true,
    },
  ],
});
