import type { BlockDevice } from '../../../src/lib/bootstrap/disk.ts';

/** A block device as lsblk tells it. */
export const device = (path: string, more: Partial<BlockDevice> = {}): BlockDevice => ({
  ...{ name: path.slice(path.lastIndexOf('/') + 1), path, type: 'disk', size: 500e9, ro: false },
  ...{ serial: null, model: null, pttype: null, partlabel: null, partuuid: null, fstype: null, label: null },
  mountpoints: [null],
  ...more,
});

export const part = (path: string, more: Partial<BlockDevice> = {}): BlockDevice =>
  device(path, { type: 'part', ...more });

export const mirror = (path: string, ...children: BlockDevice[]): BlockDevice =>
  device(path, { type: 'raid1', children });
