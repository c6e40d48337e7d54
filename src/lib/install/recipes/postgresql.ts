import { ProloError } from '../../errors.ts';
import { renderTemplate } from '../../template.ts';
import type { RecipeMaker } from '../recipe.ts';
import { PROLO_USER } from './installed-site.ts';

const SQL = '/etc/prolo-postgresql.sql';

/** The database of `database`, and the role that owns it; the role has no password: who it is, the kernel says. */
export const postgresql: RecipeMaker = ({ site: { config }, distribution }) => ({
  name: 'postgresql',
  summary: 'PostgreSQL with the site’s database and role',
  packages: ['postgresql'],
  get files() {
    return [
      {
        path: SQL,
        text: renderTemplate('install/postgresql.sql', {
          ...databaseNames(config.database),
          user: PROLO_USER,
        }),
      },
      {
        path: '/etc/systemd/system/prolo-postgresql.service',
        text: renderTemplate('install/postgresql.service', { sql: SQL }),
      },
      ...(distribution === 'arch'
        ? [
            {
              path: '/etc/systemd/system/postgresql.service.d/prolo.conf',
              text: renderTemplate('install/postgresql-arch.conf', {}),
            },
          ]
        : []),
    ];
  },
  units: ['postgresql.service', 'prolo-postgresql.service'],
});

/** Of a postgres:// URL; `prolo` where it names none, or the site has another kind of database. @throws ProloError `config` */
function databaseNames(url = ''): { role: string; database: string } {
  const [, user = '', path = ''] = /^postgres(?:ql)?:\/\/(?:([^:@/]*)(?::[^@/]*)?@)?[^/?]*\/?([^?]*)/.exec(url) ?? []; // prettier-ignore
  const names = { role: user || 'prolo', database: path || 'prolo' };
  if (Object.values(names).every((name) => /^[a-z_][a-z0-9_]{0,62}$/.test(name))) return names;
  throw new ProloError('config', `database: ${names.role}, ${names.database}: no plain names`, {
    hint: 'small letters, digits and _, such as postgres://prolo@/prolo?host=/run/postgresql',
  });
}
