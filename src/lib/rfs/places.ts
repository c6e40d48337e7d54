import { readdir } from 'node:fs/promises';
import { hostname as ownHostname } from 'node:os';
import { asProloError, ProloError } from '../errors.ts';
import { run } from '../exec.ts';
import type { MachineRecord } from '../mdb/record.ts';
import { ownAddresses } from '../own-addresses.ts';
import type { Site } from '../site/site.ts';
import { quote } from '../ssh/command.ts';
import type { Remote } from './distribute.ts';
import { remoteOf } from './remote.ts';
import { findServers } from './servers.ts';

/** Where versions are: a server, or this host. */
export interface Place {
  hostname: string;
  /** Of the RFS that it is; none for a gateway that is no RFS. */
  numbers: number[];
  /** Undefined: this host. */
  remote: Remote | undefined;
}

/** This host first, then every other server, in order of their numbers. @throws as `findServers` */
export function findPlaces(site: Site, machines: readonly MachineRecord[]): Place[] {
  const own = ownAddresses();
  const places = findServers(machines).map(({ machine, numbers }): Place => ({
    hostname: machine.hostname,
    numbers,
    remote: own.has(machine.ip) ? undefined : remoteOf(site, machine),
  }));
  const here = places.filter(({ remote }) => !remote);
  const gateway =
    here.length > 0 ? here : [{ hostname: ownHostname(), numbers: [], remote: undefined } satisfies Place];
  return [...gateway, ...places.filter(({ remote }) => remote)];
}

/** Runs a script in the login shell of a server. @throws ProloError `unavailable` when it cannot be reached, or `failed` */
export async function runThere(remote: Remote, script: string, timeoutMs: number): Promise<string> {
  const { at, ssh, hostname } = remote;
  const { exitCode, stdout, stderr } = await run([...ssh, at, script], { timeoutMs }).catch(
    (error: unknown) => {
      const { kind, message, hint } = asProloError(error);
      if (kind === 'unavailable') throw new ProloError(kind, message, hint === undefined ? {} : { hint });
      throw new ProloError('unavailable', `server ${hostname}: no answer in ${timeoutMs / 1000} s`);
    },
  );
  if (exitCode === 0) return stdout;
  const words = stderr.trim().split('\n').at(-1) || `exit status ${exitCode}`;
  throw new ProloError(exitCode === 255 ? 'unavailable' : 'failed', `server ${hostname}: ${words}`);
}

/** The numbers among the names of a folder, falling. */
export function versionsAmong(names: Iterable<string>): number[] {
  return [...names]
    .filter((name) => /^[1-9]\d{0,8}$/.test(name))
    .map(Number)
    .sort((a, b) => b - a);
}

/** Of a folder of this host, where it is there. */
export async function listHere(dir: string): Promise<number[]> {
  return versionsAmong(await readdir(dir).catch(() => []));
}

/** Which versions are at a place, whole or not. @throws ProloError `unavailable`, `failed` */
export async function listThere(place: Place, dir: string, timeoutMs: number): Promise<number[]> {
  if (!place.remote) return listHere(dir);
  const names = await runThere(place.remote, `if cd ${quote(dir)} 2>/dev/null; then ls; fi`, timeoutMs);
  return versionsAmong(names.split('\n'));
}
