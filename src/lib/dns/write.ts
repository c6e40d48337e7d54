import { join } from 'node:path';
import { cleanStaging, installChecked, type NewFile } from '../apply/install.ts';
import type { RunProgram } from '../apply/programs.ts';
import { ProloError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Config } from '../site/schema.ts';
import { readFileIfThere } from '../write-file.ts';
import { checkConf, checkZone } from './check.ts';
import type { DnsMachine } from './hosts.ts';
import { ensureRndcKey } from './key.ts';
import { renderNamedConf, renderRndcConf } from './named-conf.ts';
import { planDns } from './plan.ts';
import { nextSerial, type RenderedZone, renderZone, type Zone, zoneSerial } from './zone.ts';

const CHECKERS_AT_ONCE = 4;

export interface DnsOptions {
  config: Config;
  /** Absolute; holds named.conf, rndc.conf, rndc.key and zones/. */
  dir: string;
  runProgram: RunProgram;
  log: Logger;
  now?: () => number;
}

export interface Dns {
  /**
   * Brings the files, then named, to these machines. The first call always reloads: a killed run may have renamed
   * files and not said so. @throws ProloError `refused` with every file as it was; `unavailable` when named is down
   */
  update(machines: Iterable<DnsMachine>, signal?: AbortSignal): Promise<void>;
}

type ChangedZone = Zone & RenderedZone;

export function createDns({ config, dir, runProgram, log, now = Date.now }: DnsOptions): Dns {
  let prepared = false;
  let toReload = true;
  let saidProblems = '';

  const checkAll = async (
    zones: readonly ChangedZone[],
    conf: string | undefined,
    staging: string,
    signal?: AbortSignal,
  ): Promise<void> => {
    const options = signal ? { runProgram, signal } : { runProgram };
    const { checkzone, checkconf } = config.dns;
    await allOf([
      ...zones.map(
        (zone) => () => checkZone(checkzone, { ...zone, path: join(staging, zone.file) }, options),
      ),
      ...(conf === undefined ? [] : [() => checkConf(checkconf, conf, options)]),
    ]);
  };

  return {
    async update(machines, signal) {
      const startedMs = performance.now();
      if (!prepared) {
        await cleanStaging(dir);
        await ensureRndcKey(dir);
        prepared = true;
      }
      const plan = planDns(config, machines);
      const problems = plan.problems.join('\n');
      if (problems !== saidProblems)
        for (const problem of plan.problems) log.error({ problem }, 'dns: a name is left out');
      saidProblems = problems;

      const zones = await changedZones(dir, plan.views.flatMap((view) => view.zones), now()); // prettier-ignore
      const confs = await changedFiles(dir, [
        { name: 'named.conf', text: renderNamedConf(config, dir, plan.views) },
        { name: 'rndc.conf', text: renderRndcConf(config, dir) },
      ]);
      const files: NewFile[] = [...zones.map(({ file, text }) => ({ name: file, text })), ...confs];
      if (files.length > 0) {
        // Zones are no part of named.conf: one that was let in and has not changed needs no second look.
        const newConf = confs.some(({ name }) => name === 'named.conf');
        await installChecked(dir, files, (staging) =>
          checkAll(zones, newConf ? join(staging, 'named.conf') : undefined, staging, signal),
        );
        toReload = true;
      }
      if (!toReload) return;
      const told = await reloadNamed(config, dir, runProgram, signal);
      toReload = false;
      const changed = zones.map(({ view, origin }) => `${view}/${origin}`);
      log.info(
        { changed, ms: Math.round(performance.now() - startedMs) },
        told ? 'dns: named reloaded' : 'dns: written',
      );
    },
  };
}

/** The zones whose files say something else than they should, with a serial above the file's. */
async function changedZones(dir: string, zones: readonly Zone[], nowMs: number): Promise<ChangedZone[]> {
  const rendered = await Promise.all(
    zones.map(async (zone) => {
      const old = await readFileIfThere(join(dir, zone.file));
      const serial = old === undefined ? undefined : zoneSerial(old);
      if (serial !== undefined && renderZone(zone, serial).text === old) return undefined;
      return { ...zone, ...renderZone(zone, nextSerial(serial, nowMs)) };
    }),
  );
  return rendered.filter((zone) => zone !== undefined);
}

async function changedFiles(dir: string, files: readonly NewFile[]): Promise<NewFile[]> {
  const old = await Promise.all(files.map(({ name }) => readFileIfThere(join(dir, name))));
  return files.filter(({ text }, i) => text !== old[i]);
}

/** Whether there was a program to tell named with. @throws ProloError `unavailable` when it did not hear */
async function reloadNamed(
  config: Config,
  dir: string,
  runProgram: RunProgram,
  signal?: AbortSignal,
): Promise<boolean> {
  const { reload, controlPort } = config.dns;
  if (reload.length === 0) return false;
  const argv = reload.map((word) => word.replaceAll('{dir}', dir).replaceAll('{port}', String(controlPort)));
  const result = await runProgram(argv, { timeoutMs: 10_000, ...(signal ? { signal } : {}) });
  if (!result || result.exitCode === 0) return result !== undefined;
  const words = (result.stderr.trim() || result.stdout.trim()).split('\n').at(-1);
  throw new ProloError('unavailable', `named: not reloaded: ${words}`, {
    hint: `is it running? \`named -c ${dir}/named.conf\` starts it with the files that are there`,
  });
}

/** Runs all, a few at a time, and waits for all. @throws ProloError the one failure, or one text of several refusals */
async function allOf(tasks: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  const queue = [...tasks];
  const worker = async (): Promise<void> => {
    for (let task = queue.shift(); task; task = queue.shift())
      await task().catch((error: unknown) => failures.push(error));
  };
  await Promise.all(Array.from({ length: CHECKERS_AT_ONCE }, worker));
  const refused = failures.filter(
    (error): error is ProloError => error instanceof ProloError && error.kind === 'refused',
  );
  const other = failures.find((error) => !refused.includes(error as ProloError));
  if (other) throw other;
  const hint = refused[0]?.hint;
  if (refused.length > 0)
    throw new ProloError(
      'refused',
      refused.map(({ message }) => message).join('\n'),
      hint === undefined ? {} : { hint },
    );
}
