import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProloError } from '../errors.ts';
import { runOk, startDetached } from '../exec.ts';

/** A process as it can be found again: a pid may be another's by now, its start time tells. */
export interface ProcessId {
  pid: number;
  /** Clock ticks after boot, from /proc/PID/stat. */
  startTicks: number;
}

/**
 * Starts a program that outlives this process: in a systemd unit of its own where systemd runs, else detached.
 * @param unit such as `prolo-home@0-alice`
 */
export async function launch(unit: string, argv: readonly string[], logFile: string): Promise<ProcessId> {
  const pid = existsSync('/run/systemd/system')
    ? await launchUnit(unit, argv)
    : await startDetached(argv, logFile);
  return { pid, startTicks: startTicks(pid) ?? 0 };
}

async function launchUnit(unit: string, argv: readonly string[]): Promise<number> {
  await runOk(unitArgv(unit, argv));
  const { stdout } = await runOk(['systemctl', 'show', '--property=MainPID', '--value', `${unit}.service`]);
  return Number(stdout);
}

/** `--collect`: one that failed leaves nothing behind that the next start of its name would trip over. */
export function unitArgv(unit: string, argv: readonly string[]): string[] {
  return [
    ...['systemd-run', '--quiet', '--collect', `--unit=${unit}`, '--slice=prolo-homes.slice'],
    ...['--property=OOMScoreAdjust=-900', '--', ...argv],
  ];
}

export function isAlive(process: ProcessId | undefined): boolean {
  return process !== undefined && startTicks(process.pid) === process.startTicks;
}

/**
 * SIGKILL, and waits for the end; what is no longer that process is left alone.
 * @throws ProloError `unavailable` when it is still there: what it has begun to write may still reach the disk
 */
export async function endProcess(target: ProcessId | undefined, waitMs = 5_000): Promise<void> {
  if (!target || !isAlive(target)) return;
  try {
    process.kill(target.pid, 'SIGKILL');
  } catch {
    return; // gone meanwhile
  }
  for (const deadline = performance.now() + waitMs; isAlive(target); await sleep(2))
    if (performance.now() > deadline)
      throw new ProloError('unavailable', `process ${target.pid}: it does not end`, {
        hint: 'is its disk hanging? see `dmesg`',
      });
}

/** Processes of homes that have something of a folder among their arguments. */
export function findProcesses(dir: string): ProcessId[] {
  const programs = ['qemu-storage-daemon', 'socat'];
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    const [program = '', ...args] = readText(`/proc/${entry}/cmdline`).split('\0');
    if (!programs.includes(basename(program)) || !args.some((arg) => arg.includes(`${dir}/`))) return [];
    const ticks = startTicks(Number(entry));
    return ticks === undefined ? [] : [{ pid: Number(entry), startTicks: ticks }];
  });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** The start time of a process that lives; a zombie does not. */
function startTicks(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : Number(fields[19]);
  } catch {
    return undefined;
  }
}
