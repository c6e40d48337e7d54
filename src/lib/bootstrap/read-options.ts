import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ProloError } from '../errors.ts';
import { run } from '../exec.ts';
import { sourceOfArch, sourceOfMirror, sourcesOf, TARGETS_ARGV } from '../rfs/root/init-sources.ts';
import { checkSshKey } from '../udb/ssh-key.ts';
import { type BootstrapOptions, checkOptions, parseMib, parseVolume } from './options.ts';
import { KERNELS } from './packages.ts';

/** The command's flags, as they are named there. */
export interface BootstrapFlags {
  host?: string | undefined;
  key?: string[] | undefined;
  password?: boolean;
  distribution: 'debian' | 'arch';
  suite: string;
  mirror?: string | undefined;
  base?: string | undefined;
  'make-base'?: string | undefined;
  kernel?: string | undefined;
  package?: string[] | undefined;
  'root-size'?: string | undefined;
  'swap-size'?: string | undefined;
  volume?: string[] | undefined;
  address?: string | undefined;
  gateway?: string | undefined;
  dns?: string[] | undefined;
  nic?: string | undefined;
  serial?: string | undefined;
  timezone: string;
}

/** Of a password that is asked for only once all else is agreed on. */
export const ASKED_LATER = '';

/** @throws ProloError `bad-input`, `not-found` */
export async function readOptions(flags: BootstrapFlags): Promise<BootstrapOptions> {
  const { distribution, suite, mirror, base, address, gateway, dns = [], nic, serial, timezone } = flags;
  if (flags['make-base'] !== undefined && distribution === 'arch')
    throw new ProloError('bad-input', 'bootstrap: --make-base makes Debian only');
  // An archive has no name yet, and nobody logs in.
  const isBase = flags['make-base'] !== undefined;
  if (!flags.host && !isBase)
    throw new ProloError('bad-input', 'bootstrap: which server is it?', { hint: 'say --host NAME' });
  const rootMib = flags['root-size'] && parseMib('root-size', flags['root-size']);
  const swapMib = flags['swap-size'] && parseMib('swap-size', flags['swap-size']);
  const options: BootstrapOptions = {
    host: flags.host ?? 'base',
    distribution,
    suite,
    sources: base === undefined ? await sourcesFor(distribution, suite, mirror) : [],
    ...(base === undefined ? {} : { base: await there(base) }),
    kernel: flags.kernel ?? KERNELS[distribution],
    packages: flags.package ?? [],
    ...(rootMib ? { rootMib } : {}),
    ...(swapMib ? { swapMib } : {}),
    volumes: (flags.volume ?? []).map(parseVolume),
    keys: (await Promise.all((flags.key ?? []).map(readKeys))).flat(),
    ...(flags.password || isBase ? { passwordHash: ASKED_LATER } : {}),
    network: {
      ...(nic === undefined ? {} : { nic }),
      ...(address === undefined ? {} : { address }),
      ...(gateway === undefined ? {} : { gateway }),
      dns,
    },
    ...(serial === undefined ? {} : { serial }),
    timezone,
  };
  checkOptions(options);
  return options;
}

async function there(file: string): Promise<string> {
  const path = resolve(file);
  await access(path, constants.R_OK);
  return path;
}

async function readKeys(file: string): Promise<string[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').map((line) => line.trim());
  const keys = lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => checkSshKey(file, line));
  if (keys.length === 0) throw new ProloError('bad-input', `file ${file}: no public key in it`);
  return keys;
}

async function sourcesFor(
  distribution: BootstrapOptions['distribution'],
  suite: string,
  mirror: string | undefined,
): Promise<string[]> {
  if (distribution === 'arch') return mirror === undefined ? [] : [sourceOfArch(mirror)];
  if (mirror !== undefined) return [sourceOfMirror(mirror, suite)];
  const targets = await run(TARGETS_ARGV).catch(() => undefined);
  return sourcesOf(targets?.stdout ?? '', suite);
}
