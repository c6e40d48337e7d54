import type { Machine } from '../mdb/record.ts';
import type { Copy } from './copies.ts';
import type { Manifest } from './manifest.ts';
import { filesFor, type RfsRecord } from './record.ts';
import { type Running, SEEN_STEP_MS } from './running.ts';
import type { VersionRow } from './table.ts';
import type { Tag } from './tag.ts';

/** A machine that was not heard of for so long is off, or cannot say. */
export const HEARD_MS = 2 * SEEN_STEP_MS;

/** What a server said when it was asked. */
export interface ServerState {
  hostname: string;
  /** Of the RFS that it is. */
  numbers: number[];
  /** Folders of versions that it has; undefined: it did not answer, or was not asked. */
  versions: number[] | undefined;
  /** Why it did not answer. */
  trouble?: string;
}

/** What is known, from the database and from the servers. */
export interface Known {
  rows: readonly VersionRow[];
  boots: readonly RfsRecord[];
  machines: readonly Machine[];
  running: readonly Running[];
  tags: readonly Tag[];
  copies: readonly Copy[];
  servers: readonly ServerState[];
  nowMs: number;
}

/** `unknown`: the server did not answer, and nothing is written down. */
export type CopyState = 'there' | 'missing' | 'damaged' | 'unknown';

export type VersionStatus = Manifest & {
  imageBytes: number;
  tags: string[];
  bootedBy: number[];
  triedBy: string[];
  /** By the server's hostname. */
  servers: Record<string, CopyState>;
  /** Machines that said lately that they run it. */
  runBy: string[];
};

export interface Status {
  /** Newest first; without those that are pruned and gone. */
  versions: VersionStatus[];
  pruned: number[];
  boots: RfsRecord[];
  servers: ServerState[];
  /** Machines that run another version than they would boot now. */
  behind: { hostname: string; runs: number; boots: number }[];
  /** Machines that boot versions, and were not heard of lately. */
  silent: string[];
}

/** Puts together what is where, and who runs what. */
export function decideStatus(known: Known): Status {
  const { rows, boots, machines, running, nowMs } = known;
  const heard = new Map(
    running
      .filter(({ seenAt }) => Math.abs(nowMs - Date.parse(seenAt)) < HEARD_MS)
      .map((one) => [one.hostname, one] as const),
  );
  const records = new Map(boots.map((record) => [record.rfs, record]));
  const seats = machines.flatMap((machine) => {
    const files = machine.mtype === 'service' ? undefined : filesFor(records, machine);
    return files ? [{ hostname: machine.hostname, boots: files.version }] : [];
  });
  return {
    versions: rows
      .filter(({ prunedAt }) => prunedAt === null)
      .map(({ manifest }) => describeVersion(manifest, known, [...heard.values()])),
    pruned: rows.flatMap(({ manifest, prunedAt }) => (prunedAt === null ? [] : [manifest.version])),
    boots: [...boots],
    servers: [...known.servers],
    behind: seats.flatMap(({ hostname, boots: wanted }) => {
      const runs = heard.get(hostname)?.version;
      return runs === undefined || runs === wanted ? [] : [{ hostname, runs, boots: wanted }];
    }),
    silent: seats.filter(({ hostname }) => !heard.has(hostname)).map(({ hostname }) => hostname),
  };
}

function describeVersion(manifest: Manifest, known: Known, heard: readonly Running[]): VersionStatus {
  const { boots, tags, copies, servers } = known;
  const { version } = manifest;
  return {
    ...manifest,
    imageBytes: manifest.files['root.img'].bytes,
    tags: tags.filter((tag) => tag.version === version).map(({ name }) => name),
    bootedBy: boots.filter((record) => record.version === version).map(({ rfs }) => rfs),
    triedBy: boots.flatMap(({ canary }) => (canary?.version === version ? canary.machines : [])),
    servers: Object.fromEntries(
      servers.map((server) => [
        server.hostname,
        copyState(
          server,
          version,
          copies.find((copy) => copy.hostname === server.hostname && copy.version === version),
        ),
      ]),
    ),
    runBy: heard.filter((one) => one.version === version).map(({ hostname }) => hostname),
  };
}

/** What a server says counts more than what is written of it; that it is damaged only a hash of it says. */
function copyState(server: ServerState, version: number, copy: Copy | undefined): CopyState {
  if (server.versions && !server.versions.includes(version)) return 'missing';
  if (copy && copy.damage.length > 0) return 'damaged';
  if (server.versions || copy) return 'there';
  return server.trouble === undefined ? 'missing' : 'unknown';
}
