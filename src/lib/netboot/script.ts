import type { Machine, SwitchRecord } from '../mdb/record.ts';
import { type Config, MTYPES } from '../site/schema.ts';
import { renderTemplate } from '../template.ts';
import { type Boot, fillIn, named } from './boot.ts';
import { ipxeLine, ipxeText, ipxeUrl, ipxeWord } from './escape.ts';

/** The script that does what was decided. */
export function renderBoot(config: Config, boot: Boot): string {
  const title = ipxeText(boot.title);
  switch (boot.kind) {
    case 'refused':
      return renderRefusal(config, boot.title, boot.reason);
    case 'local':
      return renderTemplate('ipxe/local.ipxe', { title });
    case 'chain':
      return renderTemplate('ipxe/chain.ipxe', {
        title,
        url: ipxeUrl(boot.url),
        pause: config.netboot.pauseSeconds,
      });
    case 'kernel':
      return renderTemplate('ipxe/kernel.ipxe', {
        title,
        sources: sources(boot),
        args: kernelArgs(boot),
        pause: config.netboot.pauseSeconds,
      });
  }
}

/** Where the files are fetched from, in turn. */
function sources({ kernel, initrds, second }: Extract<Boot, { kind: 'kernel' }>) {
  const all = [{ kernel, initrds }, ...(second ? [second] : [])];
  return all.map((files, i) => ({
    kernel: ipxeUrl(files.kernel),
    initrds: files.initrds.map(({ name, url }) => ({ name, url: ipxeUrl(url) })),
    next: i === all.length - 1 ? 'failed' : 'second',
  }));
}

function kernelArgs(boot: { initrds: { name: string }[]; args: string }): string {
  return ipxeLine([...boot.initrds.map(({ name }) => `initrd=${name}`), boot.args].join(' '));
}

/** A script that says why not, waits and reboots, or goes back to the menu that it came from. */
export function renderRefusal(config: Config, title: string, reason: string, fromMenu = false): string {
  return renderTemplate('ipxe/refused.ipxe', {
    title: ipxeText(title),
    reason: ipxeText(reason),
    pause: config.netboot.pauseSeconds,
    fromMenu,
  });
}

/** For a machine that asks from the menu whether MDB knows it by now. */
export const BACK_TO_MENU = '#!ipxe\nexit\n';

export function renderRegistered(machine: Machine): string {
  return renderTemplate('ipxe/registered.ipxe', {
    hostname: ipxeText(machine.hostname),
    ip: ipxeText(machine.ip),
    mac: ipxeText(machine.mac),
  });
}

export interface MenuFacts {
  switches: readonly SwitchRecord[];
  /** Whether machines may register themselves now. */
  registration: boolean;
  /** How the machine reaches netboot, without a slash at the end. */
  base: string;
}

/**
 * The menu script: a machine that DHCP took for an alien is offered to register, any other boots. One that MDB has learnt
 * of since its lease boots too.
 */
export function renderBootstrap(config: Config, facts: MenuFacts): string {
  const { netboot } = config;
  const { base } = facts;
  const profile = netboot.profiles[netboot.discovery];
  const initrds = profile?.kind === 'kernel' ? named(profile.initrd.map((url) => fillIn(url, base))) : [];
  const discovery = profile?.kind === 'kernel' && {
    kernel: ipxeUrl(fillIn(profile.kernel, base)),
    initrds: initrds.map(({ name, url }) => ({ name, url: ipxeUrl(url) })),
    args: kernelArgs({
      initrds,
      args: `prolo.netboot=${base} prolo.mac=\${netX/mac} prolo.lldp=${netboot.lldpSeconds} ${fillIn(`${profile.args} ${netboot.kernelOptions}`, base)}`,
    }),
  };
  return renderTemplate('ipxe/bootstrap.ipxe', {
    site: ipxeText(config.name),
    base: ipxeUrl(base),
    registration: facts.registration,
    switches: facts.switches.map((record) => ({
      name: ipxeWord(record.name),
      chassis: ipxeWord(record.chassis),
      rfs: ipxeWord(String(record.rfs)),
      hfs: ipxeWord(String(record.hfs)),
      room: ipxeWord(record.room),
    })),
    rooms: Object.entries(config.rooms).map(([room, { prefix }]) => ({
      room: ipxeWord(room),
      prefix: ipxeWord(prefix),
    })),
    mtypes: MTYPES,
    discovery,
    menuMs: netboot.menuSeconds * 1000,
    lldpSeconds: netboot.lldpSeconds,
    pause: netboot.pauseSeconds,
  });
}

/** What the discovery Linux has to know, as lines of words that its shell cuts up. */
export function renderSwitches(config: Config, switches: readonly SwitchRecord[]): string {
  const lines = [
    ...switches.map(({ chassis, rfs, hfs, room, name }) => ['switch', chassis, rfs, hfs, room, name]),
    ...Object.entries(config.rooms).map(([room, { prefix }]) => ['room', room, prefix]),
    ...MTYPES.map((mtype) => ['mtype', mtype]),
  ];
  return lines.map((words) => `${words.map((word) => ipxeWord(String(word))).join(' ')}\n`).join('');
}
