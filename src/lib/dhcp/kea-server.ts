import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { installChecked } from '../apply/install.ts';
import type { RunProgram } from '../apply/programs.ts';
import { ProloError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Config } from '../site/schema.ts';
import { readFileIfThere } from '../write-file.ts';
import { refusal } from './blame.ts';
import { type KeaLease, leasesInTheWay } from './evict.ts';
import { renderKea } from './kea.ts';
import { askKea } from './kea-control.ts';
import { listenOn } from './listen.ts';
import { type DhcpPaths, keaEnvironment } from './paths.ts';
import type { DhcpPlan, Host } from './plan.ts';

/** A DHCP server as mdbdhcp knows it. */
export interface DhcpServer {
  /** Writes and checks its configuration, and makes it serve that. Never called twice at a time. */
  bring(plan: DhcpPlan, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface ServerOptions {
  config: Config;
  paths: DhcpPaths;
  runProgram: RunProgram;
  log: Logger;
}

const LEASE_COMMANDS = 'libdhcp_lease_cmds.so';
const FIRST_LOOK_MS = 100;
const LAST_LOOK_MS = 2000;

/**
 * Kea, driven over its control socket. One that does not run is no error: its file is written, and once its socket is there
 * `onUp` asks for another `bring`.
 */
export function createKeaServer(options: ServerOptions & { onUp(): void }): DhcpServer {
  const { config, paths, log } = options;
  const leaseCommands = config.dhcp.hooks.map((dir) => join(dir, LEASE_COMMANDS)).find(existsSync);
  if (!leaseCommands)
    log.warn(
      { hooks: config.dhcp.hooks },
      `dhcp: no ${LEASE_COMMANDS}: a swapped PC waits until the old one's lease ends`,
    );
  const stop = new AbortController();
  let installed: string | undefined;
  let waiting: Promise<void> | undefined;

  const serve = async (
    digest: string,
    hosts: Host[],
    text: string,
    fresh: boolean,
    signal: AbortSignal,
  ): Promise<void> => {
    const { socket } = paths;
    if (fresh || (await servedDigest(socket, signal)) !== digest) {
      const { result, text: words } = await askKea(socket, 'config-reload', undefined, signal);
      if (result !== 0) throw refusal('kea config-reload', words, hosts, text);
      if ((await servedDigest(socket, signal)) !== digest)
        throw new ProloError('failed', `kea: serves another file than ${paths.config}`, {
          hint: `start it as kea-dhcp4 -c ${paths.config}`,
        });
      log.info({ machines: hosts.length }, 'dhcp: kea serves');
    }
    if (leaseCommands) await evict(socket, hosts, log, signal);
  };
  const waitForSocket = async (): Promise<void> => {
    for (let ms = FIRST_LOOK_MS; !stop.signal.aborted; ms = Math.min(ms * 2, LAST_LOOK_MS)) {
      await sleep(ms, undefined, { signal: stop.signal }).catch(() => undefined);
      const up = await askKea(paths.socket, 'version-get', undefined, stop.signal).then(
        () => true,
        () => false,
      );
      if (up && !stop.signal.aborted) return options.onUp();
    }
  };

  return {
    async bring(plan, signal) {
      const listen = listenOn(config, plan, hostAddresses());
      const { text, digest } = renderKea(config, plan, {
        listen,
        ...paths,
        ...(leaseCommands ? { leaseCommands } : {}),
      });
      installed ??= await readFileIfThere(paths.config);
      const fresh = text !== installed;
      if (fresh) {
        await installChecked(paths.dir, [{ name: paths.names.kea, text }], (staging) =>
          check(options, join(staging, paths.names.kea), text, plan.hosts, signal),
        );
        installed = text;
      }
      try {
        await serve(digest, plan.hosts, text, fresh, signal);
      } catch (error) {
        if (!isDown(error)) throw error;
        if (waiting) return;
        log.warn(
          { socket: paths.socket, file: paths.config },
          'dhcp: kea is not running; its file is written, and waits for it',
        );
        waiting = waitForSocket().finally(() => (waiting = undefined));
      }
    },
    async close() {
      stop.abort();
      await waiting;
    },
  };
}

/** By the server itself while it runs, else by its program. @throws ProloError that names the machine */
async function check(
  options: ServerOptions,
  file: string,
  text: string,
  hosts: Host[],
  signal: AbortSignal,
): Promise<void> {
  const { config, paths, runProgram } = options;
  const answer = await askKea(paths.socket, 'config-test', text, signal).catch((error: unknown) => {
    if (!isDown(error)) throw error;
    return undefined;
  });
  if (answer && answer.result !== 0) throw refusal('kea config-test', answer.text, hosts, text);
  if (answer && config.dhcp.check.length === 0) return;
  const argv = config.dhcp.check.length > 0 ? config.dhcp.check : ['kea-dhcp4', '-t'];
  const result = await runProgram([...argv, file], { env: keaEnvironment(paths), signal });
  if (!result || result.exitCode === 0) return;
  const words = `${result.stdout}\n${result.stderr}`
    .split('\n')
    .filter((line) => !/ (INFO|WARN|DEBUG) /.test(line));
  throw refusal(argv[0]!, words.join('\n'), hosts, text);
}

/** Which of our texts the running Kea serves; undefined: none of them. */
async function servedDigest(socket: string, signal: AbortSignal): Promise<unknown> {
  const answer = await askKea(socket, 'config-get', undefined, signal);
  const { Dhcp4 } = answer.arguments as { Dhcp4?: { 'user-context'?: { digest?: unknown } } };
  return Dhcp4?.['user-context']?.digest;
}

async function evict(socket: string, hosts: Host[], log: Logger, signal: AbortSignal): Promise<void> {
  const { arguments: all } = await askKea(socket, 'lease4-get-all', undefined, signal);
  for (const lease of leasesInTheWay((all.leases as KeaLease[] | undefined) ?? [], hosts)) {
    const ip = lease['ip-address'];
    await askKea(socket, 'lease4-del', JSON.stringify({ 'ip-address': ip }), signal);
    log.info(
      { ip, mac: lease['hw-address'] },
      'dhcp: lease taken back, MDB gives its address to another machine',
    );
  }
}

function isDown(error: unknown): boolean {
  return error instanceof ProloError && error.kind === 'unavailable';
}

function hostAddresses(): Map<string, string[]> {
  return new Map(
    Object.entries(networkInterfaces()).map(([name, all = []]) => [
      name,
      all.filter(({ family }) => family === 'IPv4').map(({ address }) => address),
    ]),
  );
}
