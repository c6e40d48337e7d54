import { readFile } from 'node:fs/promises';
import { lsblkArgv, parseLsblk } from '../bootstrap/disk.ts';
import { KNOWN_DISKS, parseKnownDisks, readPlaces } from '../bootstrap/known-disks.ts';
import { run, runOk } from '../exec.ts';
import { readFileIfThere } from '../write-file.ts';
import { parseMdstat } from './checks/raid.ts';
import type { MdArray, Member, RaidFacts } from './raid.ts';

/** Looks, and changes nothing. @throws ProloError `unavailable` where there are arrays and no mdadm(8) */
export async function readRaidFacts(): Promise<RaidFacts> {
  const [mdstat, lsblk, known] = await Promise.all([
    readFile('/proc/mdstat', 'utf8').catch(() => ''),
    runOk(lsblkArgv()),
    readFileIfThere(KNOWN_DISKS),
  ]);
  const arrays = await Promise.all(
    parseMdstat(mdstat).map(async ({ name, doing }) => {
      const path = `/dev/${name}`;
      const array = parseDetail(path, (await run(['mdadm', '--detail', path])).stdout);
      return doing === undefined ? array : { ...array, doing };
    }),
  );
  const disks = parseLsblk(lsblk.stdout).filter(
    ({ type, size }) => ['disk', 'loop'].includes(type) && size > 0,
  );
  const smart = new Map<string, string>();
  if (arrays.length > 0)
    await Promise.all(
      disks.map(async ({ path }) => {
        const said = await run(['smartctl', '--json', '--health', '--attributes', path]).catch(
          () => undefined,
        );
        const judged = said && parseSmart(said.stdout);
        if (judged !== undefined) smart.set(path, judged);
      }),
    );
  return { arrays, disks, places: readPlaces(), known: parseKnownDisks(known), smart };
}

/** @param text what `mdadm --detail` says */
export function parseDetail(path: string, text: string): MdArray {
  const field = (name: string): string => new RegExp(`^ *${name} : (.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  const members: Member[] = [...text.matchAll(/^ +(?:\d+|-) +\d+ +\d+ +(?:\d+|-) +(\S.*)$/gm)].map(
    ([, rest]) => {
      const [, state = '', device] = /^(.*?) *(\/dev\/\S+)?$/.exec(rest!.trim())!;
      return { state: state.trim(), ...(device === undefined ? {} : { device }) };
    },
  );
  const active = field('State') !== '' && !/inactive/.test(field('State'));
  return {
    path,
    level: active ? field('Raid Level') : '',
    uuid: field('UUID'),
    active,
    wanted: Number(field('Raid Devices')) || members.length,
    members,
  };
}

/** Of SCSI and ATA, those that foretell an end. */
const ATTRIBUTES: Record<number, string> = {
  5: 'sectors moved',
  197: 'sectors that cannot be read',
  198: 'sectors that cannot be mended',
};

/** What is wrong; '' for nothing; undefined where the disk does not say. @param text `smartctl --json` */
export function parseSmart(text: string): string | undefined {
  let said: {
    smart_status?: { passed?: boolean };
    ata_smart_attributes?: { table?: { id: number; raw?: { value?: number } }[] };
  };
  try {
    said = JSON.parse(text) as typeof said;
  } catch {
    return undefined;
  }
  if (said.smart_status?.passed === undefined) return undefined;
  const bad = (said.ata_smart_attributes?.table ?? []).flatMap(({ id, raw }) =>
    ATTRIBUTES[id] && (raw?.value ?? 0) > 0 ? [`${raw!.value} ${ATTRIBUTES[id]}`] : [],
  );
  if (!said.smart_status.passed) bad.unshift('it says that it is about to fail');
  return bad.join(', ');
}
