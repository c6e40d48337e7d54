import { renderTemplate } from '../template.ts';
import type { Config } from '../site/schema.ts';
import { servicePort } from '../site/site.ts';

/**
 * The files below the gateway's /etc/nginx by which its pages learn who asks. sso is asked at its own port: through nginx it would be
 * asked about nginx, and nginx does not start before a name in its files can be looked up, at the name server of the same host.
 */
export function renderSsoFiles(config: Config): Record<string, string> {
  return {
    'conf.d/sso.conf': renderTemplate('nginx/sso/status.conf', {}),
    'sso/handler': renderTemplate('nginx/sso/handler', {
      url: `http://127.0.0.1:${servicePort(config, 'sso')}`,
    }),
    'sso/protect': renderTemplate('nginx/sso/protect', {}),
  };
}
