import { createHash } from 'node:crypto';
import { ProloError } from '../errors.ts';
import { parseCidr, parseIp } from '../net.ts';

/** A filesystem of its own beside the root. */
export interface Volume {
  name: string;
  mib: number;
  mount: string;
}

/** What a server is to be when it starts from its own disks. */
export interface BootstrapOptions {
  host: string;
  distribution: 'debian' | 'arch';
  suite: string;
  /** Lines of sources.list or of pacman's mirrorlist; none: the distribution's own. */
  sources: readonly string[];
  /** An archive that `makeBase` made, in place of packages from a mirror. */
  base?: string;
  kernel: string;
  packages: readonly string[];
  /** Left out: all that is left. */
  rootMib?: number;
  swapMib?: number;
  volumes: readonly Volume[];
  /** Public keys, a line each. */
  keys: readonly string[];
  /** crypt(3) of root's password; left out: there is none. */
  passwordHash?: string;
  network: { nic?: string; address?: string; gateway?: string; dns: readonly string[] };
  /** A serial console such as ttyS0. */
  serial?: string;
  timezone: string;
}

/** What a run chooses by chance, once for a pair of disks. */
export interface Ids {
  /** The array's, as mdadm writes it. */
  array: string;
  /** Of each disk's EFI system partition. */
  esps: readonly string[];
}

/** Of all that decides what is on the disks: a run goes on only with what one of the same arguments has begun. */
export function markOf(options: BootstrapOptions): string {
  const { passwordHash, ...rest } = options;
  const text = JSON.stringify({ ...rest, password: passwordHash !== undefined });
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/** @throws ProloError `bad-input` */
export function checkOptions(options: BootstrapOptions): void {
  const { host, volumes, network, serial, timezone, keys, passwordHash, kernel, packages } = options;
  demand(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(host), `hostname ${host}: not one label`, 'such as gw');
  demand(
    keys.length > 0 || passwordHash !== undefined,
    'root: nobody could log in',
    'say --key FILE (public keys), or --password',
  );
  for (const { name, mount } of volumes) {
    demand(/^[a-z][a-z0-9_]*$/.test(name), `volume ${name}: not a name of lower-case letters and digits`);
    demand(name !== 'root' && name !== 'swap', `volume ${name}: has a flag of its own`, `--${name}-size`);
    demand(isMount(mount), `volume ${name}: ${mount} is no folder for it`, 'such as /export');
  }
  refuseTwice(
    volumes.map(({ name }) => name),
    'volume',
  );
  refuseTwice(
    volumes.map(({ mount }) => mount),
    'folder',
  );
  const { nic, address, gateway, dns } = network;
  demand(nic === undefined || /^[\w.:@-]{1,15}$/.test(nic), `nic ${nic}: not a name of a NIC`);
  demand(
    address === undefined || parseCidr(address) !== undefined || isAddress(address),
    `address ${address}: not ADDRESS/PREFIX`,
    'such as 10.1.2.3/8',
  );
  demand(
    gateway === undefined || address !== undefined,
    'gateway: only with an address',
    'say --address ADDRESS/PREFIX',
  );
  for (const ip of [...dns, ...(gateway === undefined ? [] : [gateway])])
    demand(parseIp(ip) !== undefined, `address ${ip}: not an IPv4 address`);
  demand(serial === undefined || /^ttyS\d+$/.test(serial), `serial ${serial}: not such as ttyS0`);
  demand(
    /^[A-Za-z][\w+-]*(\/[\w+-]+){0,2}$/.test(timezone),
    `timezone ${timezone}: not such as Europe/Paris`,
  );
  demand(isZone(timezone), `timezone ${timezone}: there is none`, 'such as Europe/Paris');
  demand(
    /^[a-z][\w.-]*$/.test(options.suite),
    `suite ${options.suite}: not a name of a release`,
    'such as bookworm',
  );
  for (const line of options.sources)
    demand(!/\p{Cc}/u.test(line), 'mirror: more than a line', 'such as http://mirror.lan/debian');
  for (const name of [kernel, ...packages])
    demand(/^[a-z0-9][a-z0-9+.@_-]*$/i.test(name), `package ${name}: not a name of a package`);
}

/** Mebibytes of `40G`, `512M`, `1T`. @throws ProloError `bad-input` */
export function parseMib(what: string, text: string): number {
  const [, digits, unit] = /^(\d{1,6})([MGT])(?:iB)?$/.exec(text) ?? [];
  demand(digits !== undefined && Number(digits) > 0, `${what} ${text}: not a size`, 'such as 40G');
  return Number(digits) * { M: 1, G: 1024, T: 1024 ** 2 }[unit as 'M' | 'G' | 'T'];
}

/** `export=200G:/export`. @throws ProloError `bad-input` */
export function parseVolume(text: string): Volume {
  const [, name, size, mount] = /^([^=]+)=([^:]+):(.+)$/.exec(text) ?? [];
  demand(name !== undefined, `volume ${text}: not NAME=SIZE:FOLDER`, 'such as export=200G:/export');
  return { name: name!, mib: parseMib(`volume ${name}:`, size!), mount: mount! };
}

const isMount = (path: string): boolean =>
  /^(\/[\w.-]+)+$/.test(path) &&
  !path.split('/').some((part) => part === '..' || part === '.') &&
  !/^\/(boot|dev|proc|sys|run|etc|usr|bin|sbin|lib|lib64)(\/|$)/.test(path);

function isZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }) !== undefined;
  } catch {
    return false;
  }
}

function isAddress(text: string): boolean {
  const [ip = '', prefix = ''] = text.split('/');
  return parseIp(ip) !== undefined && /^([1-9]|[12]\d|3[0-2])$/.test(prefix);
}

function refuseTwice(names: readonly string[], what: string): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  demand(twice === undefined, `${what} ${twice}: twice`);
}

function demand(isSo: boolean, message: string, hint?: string): void {
  if (!isSo) throw new ProloError('bad-input', message, hint === undefined ? {} : { hint });
}
