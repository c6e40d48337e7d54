import { readdir, readFile, stat } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { runLight } from '../../exec.ts';
import { check, type Finding, green, type Patient, red, yellow } from '../check.ts';

export interface Nic {
  name: string;
  cable: boolean;
  /** Whether this host has an address there. */
  used: boolean;
  /** Mbit/s; -1: not known. */
  speed: number;
  duplex: string;
  /** Pause frames that it sends and heeds; undefined: ethtool does not say. */
  pause?: { rx: boolean; tx: boolean };
}

/** Network cards, not bridges, tunnels and the like. */
export const nic = check({
  name: 'nic',
  subject: 'speed, duplex and pause frames of network cards',
  async gather({ sys }: Patient): Promise<Nic[]> {
    const dir = join(sys, 'class/net');
    const names = (await readdir(dir).catch(() => [])).sort();
    const used = networkInterfaces();
    const nics = await Promise.all(
      names.map(async (name): Promise<Nic[]> => {
        const read = (file: string): Promise<string> =>
          readFile(join(dir, name, file), 'utf8').then(
            (text) => text.trim(),
            () => '', // a card that is down has no speed
          );
        if (!(await stat(join(dir, name, 'device')).catch(() => undefined))) return [];
        if (((Number(await read('flags')) || 0) & 1) === 0) return []; // nobody wants it up
        const pause = await runLight(['ethtool', '-a', name], 2_000).then(
          ({ exitCode, stdout }) => (exitCode === 0 ? parsePause(stdout) : undefined),
          () => undefined,
        );
        return [
          {
            name,
            cable: (await read('carrier')) === '1',
            used: used[name] !== undefined,
            speed: Number((await read('speed')) || -1),
            duplex: await read('duplex'),
            ...(pause ? { pause } : {}),
          },
        ];
      }),
    );
    return nics.flat();
  },
  decide(nics: Nic[]) {
    const found = nics.flatMap(judgeNic);
    if (found.length > 0) return found;
    return [
      green(
        nics.length === 0
          ? 'none here'
          : nics.map(({ name, speed }) => `${name}${speed > 0 ? ` ${speed} Mbit/s` : ''}`).join(', '),
      ),
    ];
  },
});

export function judgeNic({ name, cable, used, speed, duplex, pause }: Nic): Finding[] {
  if (!cable)
    return [(used ? red : yellow)(`${name}: no cable, or nothing at its other end`, `ip link show ${name}`)];
  const found: Finding[] = [];
  const renew = `ethtool -s ${name} autoneg on; another cable, another port`;
  if (duplex === 'half') found.push(red(`${name}: half duplex`, renew));
  if (speed > 0 && speed < 1000) found.push(red(`${name}: ${speed} Mbit/s only`, renew));
  // One slow PC then stops everybody's traffic.
  if (pause?.rx || pause?.tx)
    found.push(
      yellow(
        `${name}: pause frames are on`,
        `ethtool -A ${name} autoneg off rx off tx off; prolo install nic-configuration`,
      ),
    );
  return found;
}

/** @param text of `ethtool -a` */
export function parsePause(text: string): { rx: boolean; tx: boolean } {
  const isOn = (which: string): boolean => new RegExp(`^${which}:\\s+on`, 'm').test(text);
  return { rx: isOn('RX'), tx: isOn('TX') };
}
