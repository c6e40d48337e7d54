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

/** Another RFS whose machines boot the same version, for when the nearest is dead: the next number that has it. */
export function secondRfs(
  records: ReadonlyMap<number, RfsRecord>,
  rfs: number,
  version: number,
): number | undefined {
  const others = [...records.values()]
    .filter((record) => record.rfs !== rfs && [record.version, record.canary?.version].includes(version))
    .map((record) => record.rfs)
    .sort((a, b) => a - b);
  return others.find((other) => other > rfs) ?? others[0];
}
