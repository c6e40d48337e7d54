import { readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { BlockDevice } from './disk.ts';

/** A server's disks, as they were when it was made of them: a dead one no longer says who it is. */
export interface KnownDisk {
  serial: string | null;
  model: string | null;
  /** Where the kernel found it: `pci-0000:00:1f.2-ata-2`. */
  places: string[];
}

export const KNOWN_DISKS = '/var/lib/prolo/raid-disks.json';

export const knownDisksText = (disks: readonly KnownDisk[]): string => `${JSON.stringify(disks, null, 2)}\n`;

export function parseKnownDisks(text: string | undefined): KnownDisk[] {
  try {
    const parsed: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(parsed) ? (parsed as KnownDisk[]) : [];
  } catch {
    return [];
  }
}

/** By a disk's path, where it is plugged in. */
export type Places = ReadonlyMap<string, readonly string[]>;

export const knownDisk = (
  { path, serial, model }: Pick<BlockDevice, 'path' | 'serial' | 'model'>,
  places: Places,
): KnownDisk => ({ serial, model: model?.trim() ?? null, places: [...(places.get(path) ?? [])] });

/** As udev names them. */
export function readPlaces(dir = '/dev/disk/by-path'): Places {
  const places = new Map<string, string[]>();
  let names: string[] = [];
  try {
    names = readdirSync(dir).sort();
  } catch {
    // No disk has a place that the kernel knows.
  }
  for (const name of names) {
    if (/-part\d+$/.test(name)) continue;
    const path = realpathSync(join(dir, name));
    places.set(path, [...(places.get(path) ?? []), name]);
  }
  return places;
}
