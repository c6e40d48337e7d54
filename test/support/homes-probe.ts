import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { BLOCK } from './counter-block.ts';
import type { Counter } from './counter-clients.ts';
import type { HomesSite } from './homes.ts';
import { connectNbd, type NbdAddress, type NbdClient } from './nbd-client.ts';

export interface Probe {
  /** Exports that took a write while the others were tried. */
  writers: string[];
  /** Exports that were tried. */
  tried: number;
}

/** Nothing of the file system, nor of counters, is there. */
const SCRATCH = 30 * 1024 ** 2;
const WAIT_MS = 250;

/**
 * Tries to write to every export of a home that anybody was ever told of, all at once, and to those that its servers serve to
 * each other.
 * @param client its own export is not tried: it counts if something of it is acknowledged meanwhile
 * @param served the one that a client holds already
 */
export async function findWriters(
  homes: HomesSite,
  login: string,
  told: readonly NbdAddress[],
  client: Counter | undefined,
  served?: NbdAddress,
): Promise<Probe> {
  const all = new Map<string, NbdAddress>();
  for (const address of [...told, ...betweenServers(homes, login)]) all.set(keyOf(address), address);
  if (served) all.delete(keyOf(served));
  const open = new Map<string, NbdClient>();
  const before = client?.last;
  await Promise.all(
    [...all].map(async ([key, address]) => {
      const connected = await connectNbd(address, WAIT_MS).catch(() => undefined);
      if (connected) open.set(key, connected);
    }),
  );
  const writers = served ? [`${keyOf(served)} (its client)`] : [];
  await Promise.all(
    [...open].map(async ([key, one]) => {
      const written = one.write(SCRATCH, Buffer.alloc(BLOCK, 'probe')).then(() => one.flush());
      const took = await Promise.race([
        written.then(
          () => true,
          () => false,
        ),
        sleep(WAIT_MS, false, { ref: false }),
      ]);
      if (took) writers.push(key);
    }),
  );
  if (client && client.last > before!) writers.push('the session’s');
  for (const one of open.values()) one.destroy();
  return { writers, tried: all.size };
}

/** What a server has written down of an export for the other one. */
function betweenServers(homes: HomesSite, login: string): NbdAddress[] {
  const { config } = homes.site;
  return [0, 1].flatMap((hfs) => {
    try {
      const file = homes.site.statePath(config.hfs.runDir, `hfs${hfs}`, login, 'record.json');
      const record = JSON.parse(readFileSync(file, 'utf8')) as { export: { name: string; port: number } };
      return [{ host: '127.0.0.1', port: record.export.port, export: record.export.name }];
    } catch {
      return [];
    }
  });
}

const keyOf = (address: NbdAddress): string =>
  `${address.export} at ${'port' in address ? address.port : address.path}`;
