import { table } from '../../cli/table.ts';
import { ProloError } from '../../errors.ts';
import type { Evacuation } from '../db/evacuate.ts';
import type { Restorable } from '../db/restorable.ts';

/** `1:3` is the old image of epoch 3 on server 1; all else is a snapshot. @throws ProloError `bad-input` */
export function parseFrom(text: string): { snapshot: string } | { kept: { hfs: number; epoch: number } } {
  const [, hfs, epoch] = /^(\d{1,4}):([1-9]\d{0,8})$/.exec(text) ?? [];
  if (hfs !== undefined) return { kept: { hfs: Number(hfs), epoch: Number(epoch) } };
  if (/^[0-9a-f]{4,64}$/.test(text)) return { snapshot: text };
  throw new ProloError('bad-input', `${text}: neither a snapshot nor SERVER:EPOCH`, {
    hint: '--list shows what there is',
  });
}

const mib = (bytes: number): string => (bytes / 1024 ** 2).toFixed(1);

export function restorableTable({ snapshots, kept }: Restorable): string {
  const rows = [
    ...snapshots.map(({ id, time, hfs, epoch, bytes }) => [id, time, 'backup', hfs, epoch, mib(bytes)]),
    ...kept.map(({ hfs, epoch, time, used_bytes }) => [
      ...[`${hfs}:${epoch}`, time, 'old image', hfs, epoch, mib(used_bytes)],
    ]),
  ].sort((a, b) => (String(a[1]) < String(b[1]) ? -1 : 1));
  return table(['id', 'time', 'what', 'hfs', 'epoch', 'MiB'], rows);
}

export function evacuationTable({ homes, lost }: Evacuation): string {
  return table(
    ['login', 'to', 'from', 'time', 'MiB'],
    [
      ...homes.map(({ login, to, time, bytes, kept }) => [
        ...[login, `hfs ${to}`, kept ? `old image ${kept.hfs}:${kept.epoch}` : 'backup', time, mib(bytes)],
      ]),
      ...lost.map(({ login, why }) => [login, '-', why, '-', '-']),
    ],
  );
}
