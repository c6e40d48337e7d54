import { ProloError } from '../errors.ts';
import type { Site } from '../site/site.ts';
import type { Config } from '../site/schema.ts';
import { renderTemplate } from '../template.ts';
import { versionsOf } from './staging.ts';

/** Who gives versions to machines: the kernel's NFS server, NFS from user space, HTTP for what comes before NFS. */
export const SERVERS = ['nfs', 'ganesha', 'nginx'] as const;
export type ServerKind = (typeof SERVERS)[number];

/** Where Debian's packages look for it. */
export const DEFAULT_FILES: Record<ServerKind, string> = {
  nfs: '/etc/exports.d/prolo.exports',
  ganesha: '/etc/ganesha/ganesha.conf',
  nginx: '/etc/nginx/sites-enabled/prolo-rfs',
};

/** What makes the server read it. */
export const RELOADS: Record<ServerKind, string> = {
  nfs: 'exportfs -ra',
  ganesha: 'systemctl restart nfs-ganesha',
  nginx: 'systemctl reload nginx',
};

export interface Serving {
  /** Only on this address; none: on all. */
  address?: string;
  /** In place of NFS's 2049, or of the port of `netboot.bootUrl`. */
  port?: number;
  /** Where ganesha keeps its clients' names; none: where it does by itself. */
  stateDir?: string;
}

/**
 * The configuration of one server: read-only, and for the networks of machines alone.
 * @throws ProloError `config` where a path or `netboot.bootUrl` cannot be served so
 */
export function renderServing(site: Site, kind: ServerKind, serving: Serving = {}): string {
  const { config } = site;
  const { address, stateDir } = serving;
  const dir = plainPath('rfs.dir', versionsOf(site));
  const networks = config.networks.filter(({ role }) => role === 'machines').map(({ cidr }) => cidr);
  if (networks.length === 0)
    throw new ProloError('config', 'networks: none of role machines, so nobody to export to');
  if (kind === 'nfs') return renderTemplate('rfs/exports', { dir, networks });
  if (kind === 'ganesha')
    return renderTemplate('rfs/ganesha.conf', {
      dir,
      networks,
      address,
      port: serving.port ?? 2049,
      stateDir: stateDir === undefined ? undefined : plainPath('--state', stateDir),
    });
  const { names, port, path } = bootAddress(config);
  const listen = `${address === undefined ? '' : `${address}:`}${serving.port ?? port}`;
  return renderTemplate('rfs/nginx.conf', { dir, networks, names, listen, path });
}

/** Of `netboot.bootUrl`: who is asked, on which port, below which path. */
export function bootAddress({ netboot: { bootUrl } }: Config): { names: string; port: number; path: string } {
  const [, host, port, path] =
    /^http:\/\/((?:[\w.-]|\{rfs\})+)(?::(\d+))?((?:\/[\w.-]+)*)\/?$/.exec(bootUrl) ?? [];
  if (host === undefined)
    throw new ProloError(
      'config',
      `netboot.bootUrl ${bootUrl}: nginx of a root file server cannot be there`,
      {
        hint: 'http://rfs{rfs}/boot is what it usually is',
      },
    );
  // iPXE may also ask by address or by another alias; there is one server here, so it is the default one too.
  const names = host.includes('{rfs}') ? `~^${host.replaceAll('.', '\\.').replace('{rfs}', '\\d+')}` : host;
  return { names, port: Number(port ?? 80), path: (path ?? '').replaceAll('.', '\\.') };
}

/** These files and a kernel's argument have no common way to quote. */
function plainPath(name: string, path: string): string {
  if (/^\/[\w./+-]+$/.test(path)) return path;
  throw new ProloError('config', `${name} ${path}: only letters, digits and _ . / + - can be in it`, {
    hint: 'it is also an argument of kernels',
  });
}
