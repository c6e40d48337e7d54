import { ProloError } from '../errors.ts';

/** A disk, or what is on one: a partition, an array, a volume. As lsblk(8) tells it. */
export interface BlockDevice {
  name: string;
  path: string;
  type: string;
  size: number;
  ro: boolean;
  serial: string | null;
  model: string | null;
  pttype: string | null;
  partlabel: string | null;
  partuuid: string | null;
  fstype: string | null;
  label: string | null;
  mountpoints: (string | null)[];
  children?: BlockDevice[];
}

const COLUMNS = 'NAME,PATH,TYPE,SIZE,RO,SERIAL,MODEL,PTTYPE,PARTLABEL,PARTUUID,FSTYPE,LABEL,MOUNTPOINTS';

export const lsblkArgv = (...paths: string[]): string[] => [
  ...['lsblk', '--json', '--bytes', '--output', COLUMNS],
  ...paths,
];

/** @param text what `lsblkArgv` prints. @throws ProloError `failed` */
export function parseLsblk(text: string): BlockDevice[] {
  try {
    return (JSON.parse(text) as { blockdevices: BlockDevice[] }).blockdevices;
  } catch (cause) {
    throw new ProloError('failed', 'lsblk: what it says is no JSON', { cause });
  }
}

/** `/dev/sda3`, `/dev/nvme0n1p3`: after a digit the kernel puts a p. */
export const partitionPath = (disk: string, number: number): string =>
  `${disk}${/\d$/.test(disk) ? 'p' : ''}${number}`;

/** All that is on it, what is on top first: so they can be taken down one after the other. */
export function descendants(device: BlockDevice): BlockDevice[] {
  return (device.children ?? []).flatMap((child) => [...descendants(child), child]);
}

/** `/dev/sdb (ST500DM002, serial Z3T9, 500 GB)` */
export function describeDisk({ path, model, serial, size }: BlockDevice): string {
  const words = [model?.trim(), serial && `serial ${serial}`, gigabytes(size)].filter(Boolean);
  return `${path} (${words.join(', ')})`;
}

export const gigabytes = (bytes: number): string =>
  bytes < 1e10 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e9)} GB`;
