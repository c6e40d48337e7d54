import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asProloError, ProloError } from '../errors.ts';
import { run, runOk, type RunOptions, type RunResult } from '../exec.ts';
import type { Config } from '../site/schema.ts';
import { type Console, createConsole } from './console.ts';
import { removeNamespace, setNames, sweepNamespaces } from './namespaces.ts';
import {
  NETNS_PREFIX,
  networkCommands,
  type NetworkPlan,
  planNetwork,
  seatCommands,
  tapCommands,
} from './network.ts';
import { type Running, startProcess, type StartOptions } from './process.ts';
import { OVMF_VARS, type PcSpec, qemuArgv } from './qemu.ts';

/** A virtual PC that is switched on. */
export interface Pc {
  name: string;
  mac: string;
  console: Console;
  /** Settles when it has powered off. */
  off: Promise<string>;
  stop(): Promise<void>;
}

/** A wall socket with this machine's own programs behind it: what a PC there would be told, without a PC. */
export interface Seat {
  mac: string;
  netns: string;
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  start(name: string, argv: readonly string[]): Promise<Running>;
}

/** A wire of its own with servers and PCs on it. Nothing of it reaches this machine's network. */
export interface Lab {
  /** Logs and everything else that it writes. */
  dir: string;
  network: NetworkPlan;
  /** Runs a program inside to its end. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Starts a program inside; its output goes to `<name>.log`. */
  start(name: string, argv: readonly string[], options?: Pick<StartOptions, 'env' | 'cwd'>): Promise<Running>;
  /** Waits for something, as long as everything that was started still runs. @throws ProloError `failed` */
  until(what: string, check: () => Promise<boolean> | boolean, timeoutMs: number): Promise<void>;
  plugPc(spec: Partial<PcSpec> & Pick<PcSpec, 'name' | 'mac'>): Promise<Pc>;
  plugSeat(mac: string): Promise<Seat>;
  /** The last lines of each log, for whoever has to find out why. */
  lastWords(): string;
  /** From now on a signal does not end it: whoever calls this does. */
  leaveSignals(): void;
  /** Ends everything by its pid and takes the wire away; a second call waits for the first. */
  stop(): Promise<void>;
}

let count = 0;

export interface LabOptions {
  dir?: string;
  /** Leaves the folder of logs behind. */
  keep?: boolean;
  /** What runs on the gateway asks the site's own name server for addresses, as on a real one. */
  ownNames?: boolean;
}

export async function createLab(config: Config, options: LabOptions = {}): Promise<Lab> {
  await sweepNamespaces();
  const network = planNetwork(config, `${NETNS_PREFIX}${process.pid}-${++count}`);
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'prolo-lab-'));
  const running = new Set<Running>();
  const servers = new Set<Running>();
  const namespaces: string[] = [];
  let ports = 0;
  let stopping: Promise<void> | undefined;

  const logFile = (name: string): string => join(dir, `${name}.log`);
  const removeNamespaces = async (): Promise<void> => {
    for (const netns of namespaces.splice(0).reverse()) await removeNamespace(netns);
  };
  const stop = (): Promise<void> =>
    (stopping ??= (async () => {
      await Promise.all([...running].map((process) => process.stop(8000)));
      await removeNamespaces();
      if (!options.keep) rmSync(dir, { recursive: true, force: true });
      forget();
    })());
  const forget = onSignals(stop);

  async function startIn(
    name: string,
    argv: readonly string[],
    more: Partial<StartOptions>,
  ): Promise<Running> {
    if (stopping) throw new ProloError('unavailable', `lab: it is being stopped, ${name} does not start`);
    const process = await startProcess(name, argv, { logFile: logFile(name), netns: network.netns, ...more });
    running.add(process);
    return process;
  }

  async function startServer(
    name: string,
    argv: readonly string[],
    more: Partial<StartOptions> = {},
  ): Promise<Running> {
    const process = await startIn(name, argv, more);
    servers.add(process);
    const stopped = (graceMs?: number): Promise<void> => {
      servers.delete(process);
      return process.stop(graceMs);
    };
    return { ...process, stop: stopped };
  }

  mkdirSync(dir, { recursive: true });
  namespaces.push(network.netns);
  try {
    if (options.ownNames) setNames(network.netns, network.gateway, config.domain);
    for (const command of networkCommands(network)) await runOk(command);
  } catch (error) {
    await stop();
    throw new ProloError('unavailable', `lab: cannot make its network: ${asProloError(error).message}`, {
      cause: error,
    });
  }

  const lab: Lab = {
    dir,
    network,
    run: (argv, more) => run(['ip', 'netns', 'exec', network.netns, ...argv], more),
    start: startServer,
    async until(what, check, timeoutMs) {
      const deadline = Date.now() + timeoutMs;
      while (!(await check())) {
        const dead = [...servers].find((process) => process.hasEnded());
        const why = dead
          ? `${dead.name}: ${await dead.ended}`
          : Date.now() > deadline
            ? `not in ${timeoutMs / 1000} s`
            : '';
        if (why) throw new ProloError('failed', `lab: waiting for ${what}: ${why}\n${lab.lastWords()}`);
        await sleep(100);
      }
    },
    async plugPc(spec) {
      const whole: PcSpec = { firmware: 'bios', limitSeconds: 300, memoryMib: 512, ...spec };
      const tap = `tap${++ports}`;
      for (const command of tapCommands(network, tap)) await runOk(command);
      const uefiVars = join(dir, `${whole.name}.vars.fd`);
      if (whole.firmware === 'uefi') copyFileSync(OVMF_VARS, uefiVars);
      const name = `pc-${whole.name}`;
      const process = await startIn(name, qemuArgv(whole, { tap, uefiVars }), { console: true });
      const console = createConsole(
        whole.name,
        process.stdout!,
        process.stdin!,
        join(dir, `${name}.console`),
      );
      return {
        name: whole.name,
        mac: whole.mac,
        console,
        off: process.ended,
        async stop() {
          await process.stop(8000);
          running.delete(process);
          await run(['ip', '-n', network.netns, 'link', 'del', tap]);
        },
      };
    },
    async plugSeat(mac) {
      const number = ++ports;
      const netns = `${network.netns}-${number}`;
      namespaces.push(netns);
      for (const command of seatCommands(network, { netns, port: `seat${number}`, mac }))
        await runOk(command);
      return {
        mac,
        netns,
        run: (argv, more) => run(['ip', 'netns', 'exec', netns, ...argv], more),
        start: (name, argv) => startServer(name, argv, { netns }),
      };
    },
    lastWords() {
      const logs = readdirSync(dir).filter((file) => file.endsWith('.log'));
      return logs
        .map((file) => {
          const lines = readFileSync(join(dir, file), 'utf8').trimEnd().split('\n').slice(-8);
          return `${join(dir, file)}\n${lines.map((line) => `  | ${line}`).join('\n')}`;
        })
        .join('\n');
    },
    leaveSignals: forget,
    stop,
  };
  return lab;
}

/** Stops the lab when someone interrupts it, then lets the signal do what it would have done; a second one does it at once. */
function onSignals(stop: () => Promise<void>): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const forget = (): void => signals.forEach((signal) => process.off(signal, handler));
  const end = (signal: NodeJS.Signals): void => {
    forget();
    process.kill(process.pid, signal);
  };
  let interrupted = false;
  // Not `once`: execa ends the process as soon as no listener but its own is left.
  const handler = (signal: NodeJS.Signals): void => {
    if (interrupted) return end(signal);
    interrupted = true;
    void stop().finally(() => end(signal));
  };
  signals.forEach((signal) => process.on(signal, handler));
  return forget;
}
