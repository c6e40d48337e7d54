import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { installChecked } from '../apply/install.ts';
import { ProloError } from '../errors.ts';
import { readFileIfThere } from '../write-file.ts';
import { refusal } from './blame.ts';
import { type KeaLease, staleLeases } from './evict.ts';
import { type KeaConfig, renderKea } from './kea.ts';
import { askKea } from './kea-control.ts';
import { listenOn } from './listen.ts';
import { keaEnvironment } from './paths.ts';
import type { DhcpPlan } from './plan.ts';
import type { DhcpServer, ServerOptions } from './server.ts';

/** What is to be served, and why: the plan is for the names in error texts. */
interface Wanted extends KeaConfig {
  plan: DhcpPlan;
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
      `dhcp: no ${LEASE_COMMANDS}: a swapped PC waits for the old one's lease`,
    );
  const stop = new AbortController();
  let installed: string | undefined;
  let waiting: Promise<void> | undefined;

  return {
    async bring(plan, signal) {
      const host = { ...paths, listen: listenOn(config, plan, hostAddresses()) };
      const wanted = { plan, ...renderKea(config, plan, leaseCommands ? { ...host, leaseCommands } : host) };
      installed ??= await readFileIfThere(paths.config);
      const fresh = wanted.text !== installed;
      if (fresh) {
        await installChecked(paths.dir, [{ name: paths.names.kea, text: wanted.text }], (staging) =>
          check(options, wanted, join(staging, paths.names.kea), signal),
        );
        installed = wanted.text;
      }
      try {
        await serve(options, wanted, fresh, signal);
        if (leaseCommands) await takeBack(options, plan, signal);
      } catch (error) {
        if (!isDown(error)) throw error;
        if (waiting) return;
        log.warn(
          { socket: paths.socket, file: paths.config },
          'dhcp: kea is not running; its file waits for it',
        );
        waiting = untilUp(paths.socket, stop.signal, options.onUp).finally(() => (waiting = undefined));
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
  wanted: Wanted,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const { config, paths, runProgram } = options;
  const { text, plan } = wanted;
  const answer = await askKea(paths.socket, 'config-test', text, signal).catch((error: unknown) => {
    if (!isDown(error)) throw error;
    return undefined;
  });
  if (answer && answer.result !== 0) throw refusal('kea config-test', answer.text, plan.hosts, text);
  if (answer && config.dhcp.check.length === 0) return;
  const argv = config.dhcp.check.length > 0 ? config.dhcp.check : ['kea-dhcp4', '-t'];
  const result = await runProgram([...argv, file], { env: keaEnvironment(paths), signal });
  if (!result || result.exitCode === 0) return;
  const lines = `${result.stdout}\n${result.stderr}`.split('\n');
  const words = lines.filter((line) => !/ (INFO|WARN|DEBUG) /.test(line)).join('\n');
  throw refusal(argv[0]!, words, plan.hosts, text);
}

/** Makes the running Kea read its file, unless it serves that already, and asks it what it serves then. */
async function serve(
  options: ServerOptions,
  wanted: Wanted,
  fresh: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { socket, config: file } = options.paths;
  const { digest, text, plan } = wanted;
  if (!fresh && (await servedDigest(socket, signal)) === digest) return;
  const answer = await askKea(socket, 'config-reload', undefined, signal);
  if (answer.result !== 0) throw refusal('kea config-reload', answer.text, plan.hosts, text);
  if ((await servedDigest(socket, signal)) !== digest)
    throw new ProloError('failed', `kea: serves another file than ${file}`, {
      hint: `start it as kea-dhcp4 -c ${file}`,
    });
  options.log.info({ machines: plan.hosts.length }, 'dhcp: kea serves');
}

/** Which of our texts the running Kea serves; undefined: none of them. */
async function servedDigest(socket: string, signal: AbortSignal): Promise<unknown> {
  const answer = await askKea(socket, 'config-get', undefined, signal);
  const { Dhcp4 } = answer.arguments as { Dhcp4?: { 'user-context'?: { digest?: unknown } } };
  return Dhcp4?.['user-context']?.digest;
}

/** Ends the leases that would keep machines from their own addresses. */
async function takeBack({ paths, log }: ServerOptions, plan: DhcpPlan, signal: AbortSignal): Promise<void> {
  const { arguments: all } = await askKea(paths.socket, 'lease4-get-all', undefined, signal);
  for (const lease of staleLeases((all.leases as KeaLease[] | undefined) ?? [], plan)) {
    const ip = lease['ip-address'];
    await askKea(paths.socket, 'lease4-del', JSON.stringify({ 'ip-address': ip }), signal);
    log.info(
      { ip, mac: lease['hw-address'] },
      'dhcp: lease taken back, MDB does not give that machine this address',
    );
  }
}

async function untilUp(socket: string, signal: AbortSignal, onUp: () => void): Promise<void> {
  for (let ms = FIRST_LOOK_MS; !signal.aborted; ms = Math.min(ms * 2, LAST_LOOK_MS)) {
    await sleep(ms, undefined, { signal }).catch(() => undefined);
    const up = await askKea(socket, 'version-get', undefined, signal).then(
      () => true,
      () => false,
    );
    if (up && !signal.aborted) return onUp();
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
