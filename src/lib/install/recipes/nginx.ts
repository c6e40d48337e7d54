import { SERVICES, servicePort } from '../../site/site.ts';
import { renderSsoFiles } from '../../sso/nginx.ts';
import { renderTemplate } from '../../template.ts';
import type { Config } from '../../site/schema.ts';
import type { FileWish, RecipeMaker } from '../recipe.ts';

/** hfs and hfsdb are reached at their own ports. */
const OWN_PORTS = ['hfs', 'hfsdb'];

/** Every service of the gateway under its name, and what a page needs to know who asks. */
export const nginx: RecipeMaker = ({ site: { config }, distribution }) => ({
  name: 'nginx',
  summary: 'services under their names, single sign-on for pages',
  packages: [distribution === 'debian' ? 'nginx-light' : 'nginx'],
  files: [
    ...ssoFiles(config),
    {
      path: '/etc/nginx/sites-enabled/prolo',
      text: renderTemplate('install/nginx-site.conf', {
        domain: config.domain,
        services: SERVICES.filter((name) => !OWN_PORTS.includes(name)).map((name) => ({
          name,
          port: servicePort(config, name),
        })),
      }),
    },
  ],
  checks: [{ argv: ['nginx', '-t', '-q'] }],
  units: ['nginx.service'],
});

/** On a server of pages: sites of others ask who sits where, of the daemon sso beside them. */
export const nginxSso: RecipeMaker = ({ site: { config }, distribution }) => ({
  name: 'nginx-sso',
  summary: 'single sign-on for the pages of a web server',
  packages: [distribution === 'debian' ? 'nginx-light' : 'nginx'],
  files: ssoFiles(config),
  checks: [{ argv: ['nginx', '-t', '-q'] }],
  units: ['nginx.service'],
});

const ssoFiles = (config: Config): FileWish[] =>
  Object.entries(renderSsoFiles(config)).map(([path, text]) => ({ path: `/etc/nginx/${path}`, text }));
