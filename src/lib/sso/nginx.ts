import { renderTemplate } from '../template.ts';
import type { Config } from '../site/schema.ts';
import { serviceUrl } from '../site/site.ts';

/** The files below /etc/nginx by which its pages learn who asks. */
export function renderSsoFiles(config: Config): Record<string, string> {
  return {
    'conf.d/sso.conf': renderTemplate('nginx/sso/status.conf', {}),
    'sso/handler': renderTemplate('nginx/sso/handler', { url: serviceUrl(config, 'sso') }),
    'sso/protect': renderTemplate('nginx/sso/protect', {}),
  };
}
