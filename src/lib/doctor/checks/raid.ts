import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { check, type Finding, green, type Patient, red, yellow } from '../check.ts';

export interface Raid {
  name: string;
  active: boolean;
  /** `raid1`; empty for one that is not active. */
  level: string;
  /** Members that it should have, and that work. */
  wanted: number;
  working: number;
  failed: string[];
  /** `recovery = 12.6%`, while it is mended or looked through. */
  doing?: string;
}

export const raid = check({
  name: 'raid',
  subject: 'RAID of this host',
  gather: async ({ proc }: Patient): Promise<Raid[]> =>
    parseMdstat(await readFile(join(proc, 'mdstat'), 'utf8').catch(() => '')),
  decide: (raids: Raid[]) => {
    const found = raids.flatMap(judge);
    return found.length > 0
      ? found
      : [green(raids.length > 0 ? `${raids.length} arrays, all members there` : 'none here')];
  },
});

function judge({ name, active, level, wanted, working, failed, doing }: Raid): Finding[] {
  const device = `/dev/${name}`;
  if (!active) return [red(`${name}: not active`, `mdadm --detail ${device}; mdadm --run ${device}`)];
  const gone = failed.length > 0 ? `, ${failed.join(' and ')} failed` : '';
  const what = `${name} (${level}): ${working} of ${wanted} members work${gone}`;
  if (working < wanted && doing) return [yellow(`${what}; ${doing}`, 'watch cat /proc/mdstat')];
  if (working < wanted)
    return [
      red(
        what,
        failed[0]
          ? `mdadm ${device} --remove /dev/${failed[0]}, change the disk, mdadm ${device} --add /dev/NEW`
          : `mdadm --detail ${device}, then mdadm ${device} --add /dev/NEW`,
      ),
    ];
  return failed.length > 0 ? [yellow(what, `mdadm ${device} --remove /dev/${failed[0]}`)] : [];
}

/** @param text `/proc/mdstat` */
export function parseMdstat(text: string): Raid[] {
  return [
    ...text.matchAll(/^(md\S+) : (active|inactive)(?: \((?:auto-)?read-only\))? ?(.*)\n((?:[ \t]+.*\n?)*)/gm),
  ].map(([, name, state, line, rest]) => {
    const [wanted, working] = (/\[(\d+)\/(\d+)\]/.exec(rest!) ?? []).slice(1).map(Number);
    const level = /^(raid\d+|linear|multipath)/.exec(line!)?.[1] ?? '';
    const members = (line!.match(/\S+\[\d+\]/g) ?? []).length;
    const doing = /(recovery|resync|reshape|check) *= *[\d.]+%/.exec(rest!)?.[0];
    return {
      name: name!,
      active: state === 'active',
      level,
      wanted: wanted ?? members, // RAID0 has no spare, and says nothing of it
      working: working ?? members,
      failed: [...line!.matchAll(/(\S+)\[\d+\]\(F\)/g)].map(([, member]) => member!),
      ...(doing ? { doing } : {}),
    };
  });
}
