import { type Static, Type } from 'typebox';
import type { Manifest } from './manifest.ts';

const files = {
  version: Type.Integer({ minimum: 1 }),
  /** Below the folder of versions, which the RFS serves under `netboot.bootUrl` too. */
  kernel: Type.String(),
  initrd: Type.String(),
  rootHash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
};

/** What the machines of one RFS boot: a record of the feed `rfs`. */
export const RfsSchema = Type.Object({
  rfs: Type.Integer({ minimum: 0 }),
  ...files,
  /** What some of them boot instead, to try it. */
  canary: Type.Union([
    Type.Null(),
    Type.Object({ ...files, machines: Type.Array(Type.String(), { description: 'hostnames' }) }),
  ]),
});
export type RfsRecord = Static<typeof RfsSchema>;
export type BootFiles = Pick<RfsRecord, 'version' | 'kernel' | 'initrd' | 'rootHash'>;

export function bootFiles({ version, rootHash }: Pick<Manifest, 'version' | 'rootHash'>): BootFiles {
  return { version, kernel: `${version}/vmlinuz`, initrd: `${version}/initrd.img`, rootHash };
}

/** What one machine boots; undefined where nothing was ever committed for its RFS. */
export function filesFor(
  records: ReadonlyMap<number, RfsRecord>,
  machine: { rfs: number; hostname: string },
): BootFiles | undefined {
  const record = records.get(machine.rfs);
  return record?.canary?.machines.includes(machine.hostname) ? record.canary : record;
}

/**
 * Another RFS whose machines boot the same version, for when the nearest is dead. Half-way round: a box may be two RFS with
 * numbers side by side, and what all machines of a dead one ask for is spread.
 * @param isElsewhere whether it is another machine at all
 */
export function secondRfs(
  records: ReadonlyMap<number, RfsRecord>,
  rfs: number,
  version: number,
  isElsewhere: (other: number) => boolean = () => true,
): number | undefined {
  const others = [...records.values()]
    .filter((record) => record.rfs !== rfs && [record.version, record.canary?.version].includes(version))
    .map((record) => record.rfs)
    .filter(isElsewhere)
    .sort((a, b) => a - b);
  const round = [...others.filter((other) => other > rfs), ...others.filter((other) => other < rfs)];
  return round[Math.floor(round.length / 2)];
}
