import { renderTemplate } from '../../template.ts';
import type { RecipeMaker } from '../recipe.ts';

const ZONE_FILE = '/etc/tmpfiles.d/prolo-timezone.conf';

/** What every server of a site has. */
export const base: RecipeMaker = ({ hostname, distribution, site: { config } }) => {
  const { timezone, locale } = config;
  // Those of C are in every libc; others are made from their definition.
  const isMade = !/^(C|POSIX)(\.|$)/.test(locale);
  return {
    name: 'base',
    summary: 'name, time zone, locale, journal, root’s shells remember everything',
    packages: [
      ...(timezone !== undefined ? ['tzdata'] : []),
      ...(isMade ? [distribution === 'debian' ? 'locales' : 'glibc'] : []),
    ],
    files: [
      { path: '/etc/hostname', text: `${hostname}\n`, replace: true },
      { path: '/etc/profile.d/prolo-history.sh', text: renderTemplate('install/history.sh', {}) },
      { path: '/etc/systemd/journald.conf.d/prolo.conf', text: renderTemplate('install/journald.conf', {}) },
      {
        path: distribution === 'debian' ? '/etc/default/locale' : '/etc/locale.conf',
        text: `LANG=${locale}\n`,
        replace: true,
      },
      ...(isMade ? [{ path: '/etc/locale.gen', text: `${localeDefinition(locale)}\n`, replace: true }] : []),
      ...(timezone !== undefined
        ? [{ path: ZONE_FILE, text: renderTemplate('install/timezone.conf', { timezone }) }]
        : []),
    ],
    checks: [
      { argv: ['sh', '-n', '/etc/profile.d/prolo-history.sh'] },
      ...(timezone !== undefined ? [{ argv: ['test', '-f', `/usr/share/zoneinfo/${timezone}`] }] : []),
    ],
    afterwards: [
      ...(isMade ? [['locale-gen']] : []),
      ...(timezone !== undefined ? [['systemd-tmpfiles', '--create', ZONE_FILE]] : []),
    ],
  };
};

/** As locale.gen(5) has it: `en_US.UTF-8 UTF-8`; that is what `en_US.utf8` means too, which no charmap is called. */
export function localeDefinition(locale: string): string {
  const [name, charset = 'ISO-8859-1'] = locale.split('.');
  return /^utf-?8$/i.test(charset) ? `${name}.UTF-8 UTF-8` : `${locale} ${charset}`;
}
