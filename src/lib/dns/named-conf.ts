import { ProloError } from '../errors.ts';
import type { Config } from '../site/schema.ts';
import { renderTemplate } from '../template.ts';
import type { View } from './plan.ts';

const KEY_NAME = 'prolo';
export const KEY_FILE = 'rndc.key';

/** The whole configuration of named. Start it with `named -c <dir>/named.conf`. */
export function renderNamedConf(config: Config, dir: string, views: readonly View[]): string {
  const { dns, networks } = config;
  const gateways = networks.flatMap(({ role, gateway }) => (role !== 'empty' && gateway ? [gateway] : []));
  const machines = networks.filter(({ role }) => role === 'machines');
  return renderTemplate('named/named.conf', {
    directory: quoted(dir),
    keyFile: quoted(`${dir}/${KEY_FILE}`),
    keyName: KEY_NAME,
    port: dns.port,
    controlPort: dns.controlPort,
    listen: dns.listen.length > 0 ? dns.listen : [...new Set(['127.0.0.1', ...gateways])],
    forwarders: dns.forwarders,
    siteNetworks: machines.map(({ cidr }) => cidr),
    views,
  });
}

/** What rndc needs to find and to convince this named. */
export function renderRndcConf(config: Config, dir: string): string {
  const { controlPort } = config.dns;
  return renderTemplate('named/rndc.conf', {
    keyFile: quoted(`${dir}/${KEY_FILE}`),
    keyName: KEY_NAME,
    controlPort,
  });
}

/** @param secret base64 */
export function renderRndcKey(secret: string): string {
  return renderTemplate('named/rndc.key', { name: KEY_NAME, secret });
}

/** A path as a string of named.conf. @throws ProloError `config` for one that it cannot hold. */
function quoted(path: string): string {
  if (/^[^\u0000-\u001f\u007f"\\]+$/.test(path)) return `"${path}"`;
  throw new ProloError('config', `dns.dir: ${JSON.stringify(path)} cannot be written into named.conf`, {
    hint: 'choose a folder without quotes, backslashes or control characters in its path',
  });
}
