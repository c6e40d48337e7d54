import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { proloBin } from '../../test/support/cli.ts';
import { makeSshSite, type SshSite } from '../../test/support/ssh-site.ts';
import { median } from '../figure.ts';
import { runMeasured, type RunInput, type Took } from './measured.ts';

export const MACHINES = 150;
/** Of the ranges that pdsh and clush read. */
const ADDRESSES = `127.0.1.[1-${MACHINES}]`;

export interface SshBench extends SshSite {
  /** For OpenSSH's clients: with the key exchange that ssh2 uses as well, and as Debian ships them. */
  configs: { alike: string; asShipped: string };
  /** Writes another one. @param lines come before what all of them have. @returns its file */
  config(name: string, lines: readonly string[]): string;
  /** With an empty home. */
  env: Record<string, string>;
  /** With that environment, and no terminal. */
  run(argv: readonly string[], options?: RunInput): Promise<Took>;
  /** The argv of `prolo`, of this tree as it was built. */
  prolo(...args: string[]): string[];
  close(): Promise<void>;
}

export async function startSshBench(machines = MACHINES): Promise<SshBench> {
  const site = await makeSshSite({ machines });
  const { test, sshd } = site;
  await (await test.store()).knex.raw('pragma wal_checkpoint(truncate)');
  const home = join(sshd.dir, 'client');
  mkdirSync(home);
  const knownHosts = join(sshd.dir, 'known_hosts');
  writeFileSync(knownHosts, `[127.0.1.*]:${sshd.port} ${sshd.hostKeys[0]}\n`);
  const common = [
    `Port ${sshd.port}`,
    `User ${sshd.user}`,
    `IdentityFile ${sshd.identity}`,
    'IdentitiesOnly yes',
    'BatchMode yes',
    `UserKnownHostsFile ${knownHosts}`,
  ];
  const configFile = (name: string, lines: readonly string[]): string => {
    const file = join(sshd.dir, name);
    writeFileSync(file, `${[...lines, ...common, 'Include /etc/ssh/ssh_config'].join('\n')}\n`);
    return file;
  };
  const ownEnv = { PATH: process.env.PATH!, LANG: 'C.UTF-8', HOME: home, PROLO_CONFIG: test.site.file };
  return {
    ...site,
    config: configFile,
    env: ownEnv,
    configs: {
      alike: configFile('alike', ['KexAlgorithms curve25519-sha256']),
      asShipped: configFile('as-shipped', []),
    },
    prolo: (...args) => [process.execPath, proloBin, ...args],
    run: (argv, { env = {}, ...options } = {}) =>
      runMeasured(argv, {
        ...options,
        env: { ...ownEnv, ...env },
      }),
    close: () => site.stop(),
  };
}

/** How each of the peers runs a command on the first `machines`: argv and environment. */
export type Peer = (
  command: string,
  config: string,
  fanout?: number,
) => { argv: string[]; env?: Record<string, string> };

export const PEERS: Record<string, Peer> = {
  pdsh: (command, config, fanout) => ({
    argv: ['pdsh', '-R', 'ssh', '-S', ...(fanout ? ['-f', String(fanout)] : []), '-w', ADDRESSES, command],
    env: { PDSH_SSH_ARGS_APPEND: `-F ${config}` },
  }),
  clush: (command, config, fanout) => ({
    argv: [
      'clush',
      '-q',
      '-o',
      `-F ${config}`,
      ...(fanout ? ['-f', String(fanout)] : []),
      '-w',
      ADDRESSES,
      command,
    ],
  }),
  'parallel-ssh': (command, config, fanout) => ({
    argv: [
      ...['parallel-ssh', '-t', '0', '-x', `-F ${config}`],
      ...(fanout ? ['-p', String(fanout)] : []),
      ...Array.from({ length: MACHINES }, (_, i) => ['-H', `127.0.1.${i + 1}`]).flat(),
      command,
    ],
  }),
};

/** Each side once and then again, so that what else the machine does falls on all of them; the first round does not count. */
export async function interleave<S extends string>(
  sides: Record<S, () => Promise<Took>>,
  runs: number,
  warmUps = 1,
): Promise<Record<S, Took[]>> {
  const names = Object.keys(sides) as S[];
  const took = Object.fromEntries(names.map((name) => [name, [] as Took[]])) as Record<S, Took[]>;
  for (let run = -warmUps; run < runs; run++)
    for (const name of run % 2 ? names : names.toReversed()) {
      const one = await sides[name]();
      if (run >= 0) took[name].push(one);
    }
  return took;
}

export function medianOf(runs: readonly Took[], field: keyof Took): number {
  return median(runs.map((run) => run[field]));
}

/** The name of the side that `field` is least of. */
export function leastOf<S extends string>(
  took: Record<S, Took[]>,
  names: readonly S[],
  field: keyof Took,
): S {
  return names.toSorted((a, b) => medianOf(took[a], field) - medianOf(took[b], field))[0]!;
}
