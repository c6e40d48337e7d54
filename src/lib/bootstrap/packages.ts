import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../package-root.ts';
import type { BootstrapOptions } from './options.ts';

export const KERNELS = { debian: 'linux-image-amd64', arch: 'linux' } as const;

/** What a new server is made of, besides what these need. */
export function packagesOf({ distribution, kernel, packages }: BootstrapOptions): string[] {
  const lists: string[] = [distribution];
  if (distribution === 'debian' && !kernel.includes('cloud')) lists.push('debian-hardware');
  return [...new Set([...lists.flatMap(readList), kernel, ...packages])];
}

const readList = (name: string): string[] =>
  readFileSync(join(packageRoot, 'templates/bootstrap', `${name}.txt`), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

/** The system as an archive, for `--base`: made where there is a mirror, unpacked where there is none. */
export const archiveArgv = (options: BootstrapOptions, file: string): string[] => [
  ...['mmdebstrap', '--verbose', '--format=tar', ...mmdebstrapOptions(options)],
  ...[options.suite, file, ...options.sources],
];

/** Fills a folder that has files already, such as those of a new filesystem. */
export function fillArgv(options: BootstrapOptions, target: string): string[] {
  const { base, distribution, suite, sources } = options;
  if (base !== undefined)
    return [
      ...['tar', '--extract', '--numeric-owner', '--xattrs', '--xattrs-include=*', '--acls'],
      ...['--exclude=./dev/*', '--file', base, '--directory', target],
    ];
  if (distribution === 'arch')
    return [
      'pacstrap',
      ...(sources.length > 0 ? ['-C', PACMAN_CONF] : []),
      '-K',
      '-M',
      target,
      ...packagesOf(options),
    ];
  return [
    ...['mmdebstrap', '--verbose', '--format=directory', '--skip=check/empty', ...mmdebstrapOptions(options)],
    ...[suite, target, ...sources],
  ];
}

/** Of pacstrap alone, where a mirror is named. */
export const PACMAN_CONF = '/run/prolo-bootstrap.pacman.conf';

const mmdebstrapOptions = (options: BootstrapOptions): string[] => [
  ...['--mode=root', '--variant=minbase', '--components=main,non-free-firmware'],
  `--include=${packagesOf(options).join(',')}`,
];
