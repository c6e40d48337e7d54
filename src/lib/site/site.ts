import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ProloError } from '../errors.ts';
import { parseConfig } from './parse.ts';
import type { Config } from './schema.ts';
import { readSecrets, type SecretName, type Secrets } from './secrets.ts';

/** A site as one host knows it: read once, passed in. */
export interface Site {
  readonly config: Config;
  /** Absolute path of prolo.yml. */
  readonly file: string;
  /** Absolute path of the folder of prolo.yml. */
  readonly dir: string;
  /** An absolute path below the state folder. */
  statePath(...parts: string[]): string;
  /** @throws ProloError `config` when this host's role does not have that secret. */
  secret(name: SecretName): string;
  hasSecret(name: SecretName): boolean;
}

const SERVICE_OFFSETS = {
  mdb: 0,
  mdbsync: 10,
  netboot: 20,
  presencesync: 60,
  udb: 80,
  udbsync: 90,
  hfs: 100,
  hfsdb: 110,
  rfssync: 120,
  contestsync: 130,
  sso: 131,
  usermap: 132,
} as const;
export type ServiceName = keyof typeof SERVICE_OFFSETS;
export const SERVICES = Object.keys(SERVICE_OFFSETS) as ServiceName[];

/** SADM's port of a service, moved to the site's base. */
export function servicePort(config: Config, service: ServiceName): number {
  return config.portBase + SERVICE_OFFSETS[service];
}

/** A service's base URL, without a slash at its end. */
export function serviceUrl(config: Config, service: ServiceName): string {
  return config.serviceUrl
    .replaceAll('{service}', service)
    .replaceAll('{port}', String(servicePort(config, service)))
    .replace(/\/$/, '');
}

/** The base URL of an HFS, without a slash at its end: how it is reached, and where it listens. */
export function hfsUrl(config: Config, hfs: number): string {
  const port = servicePort(config, 'hfs');
  return config.hfs.url
    .replaceAll('{hfs}', String(hfs))
    .replaceAll('{portN}', String(port + hfs))
    .replaceAll('{port}', String(port))
    .replace(/\/$/, '');
}

/** `--config`, `PROLO_CONFIG` (a file, or its folder), `./prolo.yml`, `/etc/prolo/prolo.yml`: the first that is named or there. */
export function findConfig(flag: string | undefined, env: NodeJS.ProcessEnv, cwd: string): string {
  const named = flag ?? env.PROLO_CONFIG;
  const file = [named, ...(named ? [] : [join(cwd, 'prolo.yml'), '/etc/prolo/prolo.yml'])].find(
    (path) => path && existsSync(path),
  );
  if (file && statSync(file).isDirectory()) return findConfig(join(file, 'prolo.yml'), env, cwd);
  if (file) return resolve(cwd, file);
  throw new ProloError(
    'config',
    named ? `site ${named}: no such file` : 'no site here: neither ./prolo.yml nor /etc/prolo/prolo.yml',
    {
      hint: 'make one with `prolo site init DIR`, or name one with --config or PROLO_CONFIG',
    },
  );
}

/** @throws ProloError `config` that names the bad place in the file. */
export function loadSite(file: string): Site {
  const dir = dirname(file);
  const config = parseConfig(readUtf8(file), file);
  const secretsFile = resolve(dir, config.secrets);
  let known: Secrets | undefined;
  const secrets = (): Secrets => (known ??= readSecrets(secretsFile));
  return Object.freeze({
    config,
    file,
    dir,
    statePath: (...parts: string[]) => join(resolve(dir, config.state), ...parts),
    secret(name: SecretName): string {
      const secret = secrets()[name];
      if (secret === undefined)
        throw new ProloError('config', `${secretsFile}: ${name}: not there`, {
          hint: config.database
            ? 'this site was made before that secret was: `prolo site secrets --add-missing`, then start its daemons again'
            : "this host's role does not need it, or it was exported before the gateway had it: `prolo site export` there",
        });
      return secret;
    },
    hasSecret: (name: SecretName) => secrets()[name] !== undefined,
  });
}

function readUtf8(file: string): string {
  const bytes = readFileSync(file);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ProloError('config', `${file}: not UTF-8`, { cause });
  }
}

/**
 * The site's database URL with a SQLite path made absolute. A SQLite file that is gone is never made anew, unless `create`
 * says so: all of the site's names and addresses would go with it.
 * @throws ProloError `config` where there is none, `unavailable` where its file is not there
 */
export function databaseUrl(site: Site, { create = false } = {}): string {
  const url = site.config.database;
  if (!url)
    throw new ProloError('config', `${site.file}: database: this host has none`, {
      hint: `only the gateway (${site.config.gateway}) opens it; run the command there`,
    });
  if (!url.startsWith('sqlite:')) return url;
  const path = resolve(site.dir, url.slice('sqlite:'.length));
  if (!create && !statSync(path, { throwIfNoEntry: false })?.size)
    throw new ProloError('unavailable', `database sqlite:${path}: not there`, {
      hint: 'see `database` in prolo.yml; `prolo site restore` brings a lost one back from a backup',
    });
  return `sqlite:${path}`;
}
