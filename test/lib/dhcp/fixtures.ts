import { readFileSync } from 'node:fs';
import type { MachineRecord } from '../../../src/lib/mdb/record.ts';
import { parseConfig } from '../../../src/lib/site/parse.ts';
import type { Config } from '../../../src/lib/site/schema.ts';

export const golden = (name: string): string =>
  readFileSync(new URL(`../../golden/dhcp/${name}`, import.meta.url), 'utf8');

/** The site of test/golden/dhcp: all that a DHCP server can be told. */
export const goldenConfig = (): Config => parseConfig(golden('site.yml'), 'site.yml');
export const goldenMachines = (): MachineRecord[] => JSON.parse(golden('machines.json')) as MachineRecord[];

export function machine(hostname: string, mac: string, ip: string): MachineRecord {
  const rest = { aliases: '', rfs: 0, hfs: 0, mtype: 'user', room: 'pasteur', is_faulty: false } as const;
  return { hostname, mac, ip, ...rest, is_faulty_details: '' };
}

export const configOf = (yaml: string): Config => parseConfig(yaml, 'prolo.yml');
