import { posix } from 'node:path';

export interface EnterOptions {
  /** `terminal`: this process's; `pipe`: none. */
  console: 'terminal' | 'pipe';
  /** Writes go nowhere. */
  readOnly?: boolean;
  /** Folders of this host that stand in for some of the tree: from, to. */
  binds?: readonly (readonly [string, string])[];
  env?: Record<string, string>;
}

/** What is different for a program that runs there: no histories, no initramfs of its own. */
const ENV = {
  LANG: 'C.UTF-8',
  HISTFILE: '/dev/null',
  LESSHISTFILE: '-',
  INITRD: 'No',
};

/**
 * systemd-nspawn's call that runs a program with a tree as its root, on this host's network, and writes nothing of its own there.
 * @param resolvConf where the tree has its resolv.conf, its links followed
 * @param machine a name that no other container has
 */
export function enterArgv(
  tree: string,
  command: readonly string[],
  { console, readOnly, binds = [], env = {} }: EnterOptions,
  { resolvConf, machine }: { resolvConf: string; machine: string },
): string[] {
  return [
    ...['systemd-nspawn', '--quiet', `--directory=${tree}`, `--machine=${machine}`, '--hostname=staging'],
    ...['--register=no', '--keep-unit', '--as-pid2', '--timezone=off', '--link-journal=no'],
    `--console=${console === 'terminal' ? 'interactive' : 'pipe'}`,
    '--resolv-conf=off',
    `--bind-ro=/etc/resolv.conf:${resolvConf}`,
    ...(readOnly ? ['--read-only'] : []),
    ...binds.map(([from, to]) => `--bind=${from}:${to}`),
    ...Object.entries({ ...ENV, ...env }).map(([name, value]) => `--setenv=${name}=${value}`),
    '--',
    ...command,
  ];
}

/** Where resolv.conf is once the tree is the root. @param link what it links to, if it is a link */
export const resolvConfAt = (link: string | undefined): string =>
  link === undefined ? '/etc/resolv.conf' : posix.resolve('/etc', link);
