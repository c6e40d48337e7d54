import type { Machine } from '../mdb/record.ts';
import { type BootFiles, filesFor, secondRfs } from '../rfs/record.ts';
import type { Config } from '../site/schema.ts';
import type { Profile } from '../site/schema/netboot.ts';
import { serviceUrl } from '../site/site.ts';
import { ipxeWord } from './escape.ts';
import type { MdbView } from './view.ts';

export interface KernelFiles {
  kernel: string;
  initrds: { name: string; url: string }[];
}

/** What a machine is to do now. `second`: the same files elsewhere, for when the first server is dead. */
export type Boot =
  | ({ kind: 'kernel'; title: string; args: string; second?: KernelFiles } & KernelFiles)
  | { kind: 'local'; title: string }
  | { kind: 'chain'; title: string; url: string }
  /** It says why, waits and reboots. */
  | { kind: 'refused'; title: string; reason: string };

/** How machines reach netboot, without a slash at the end. */
export function netbootUrl(config: Config): string {
  return (config.netboot.url ?? serviceUrl(config, 'netboot')).replace(/\/$/, '');
}

export interface Asked {
  /** As in MDB. */
  mac: string;
  /** How the machine reaches netboot, without a slash at the end. */
  base: string;
  /** The profile for this boot only; it comes before a fault, since that is how a fault is looked into. */
  once?: string | null;
}

/** Decides what a machine boots: what it was told to for once, else why it may not, else its type's profile. */
export function decideBoot(config: Config, view: MdbView, { mac, base, once }: Asked): Boot {
  const machine = view.byMac.get(mac);
  if (!machine) return refused('this machine is unknown', `${mac.slice(0, 40)} is not in MDB`);
  const name = once ?? config.netboot.boots[machine.mtype];
  if (machine.is_faulty && !once)
    return refused(
      `${machine.hostname} is marked faulty`,
      machine.is_faulty_details || 'no reason was given',
    );
  const profile = Object.hasOwn(config.netboot.profiles, name) ? config.netboot.profiles[name] : undefined;
  if (!profile) return refused(`${machine.hostname} cannot boot`, `${name} is no profile in prolo.yml`);
  return bootProfile(config, view, { machine, base, name, profile });
}

function bootProfile(
  config: Config,
  view: MdbView,
  { machine, base, name, profile }: { machine: Machine; base: string; name: string; profile: Profile },
): Boot {
  const title = `${machine.hostname} boots ${name}`;
  const mac = ipxeWord(machine.mac);
  const fill = (text: string) => fillIn(text, base, machine);
  const seen = (url: string, stage: string) => withSender(url, base, mac, stage);
  switch (profile.kind) {
    case 'local':
      return { kind: 'local', title };
    case 'chain':
      return { kind: 'chain', title, url: fill(profile.url) };
    case 'kernel':
      return {
        kind: 'kernel',
        title,
        kernel: seen(fill(profile.kernel), 'kernel'),
        initrds: named(profile.initrd.map((url) => seen(fill(url), 'initramfs'))),
        args: `${fill(profile.args)} ${fill(config.netboot.kernelOptions)}`,
      };
    case 'rfs': {
      const { bootUrl, kernel, initrd, nfsPath, kernelOptions } = config.netboot;
      const server = view.byName.get(`rfs${machine.rfs}`);
      if (!server)
        return refused(
          `${machine.hostname} cannot boot`,
          `no machine in MDB has the alias rfs${machine.rfs}`,
        );
      const folder = fill(bootUrl).replace(/\/$/, '');
      const version = filesFor(view.boots, machine);
      if (version) {
        const filesOf = (at: Machine): KernelFiles => {
          const folder = fillIn(bootUrl, base, at).replace(/\/$/, '');
          return {
            kernel: seen(`${folder}/${version.kernel}`, 'kernel'),
            initrds: named([seen(`${folder}/${version.initrd}`, 'initramfs')]),
          };
        };
        const other = secondServer(view, machine, version);
        const [first, second] = [filesOf(machine), other && filesOf({ ...machine, rfs: other.rfs })];
        return {
          kind: 'kernel',
          title: `${title} version ${version.version} from rfs${machine.rfs}`,
          ...first,
          ...(second && second.kernel !== first.kernel ? { second } : {}),
          args: [
            fill(kernelOptions),
            versionArgs(config, machine, server.ip, version, other?.ip),
            fill(profile.args),
          ]
            .join(' ')
            .trimEnd(),
        };
      }
      return {
        kind: 'kernel',
        title: `${title} from rfs${machine.rfs}`,
        kernel: seen(`${folder}/${fill(kernel)}`, 'kernel'),
        initrds: named(initrd.map((file) => seen(`${folder}/${fill(file)}`, 'initramfs'))),
        args: `${fill(kernelOptions)} nfsroot=${ipxeWord(server.ip)}:${fill(nfsPath)},ro ${fill(profile.args)}`.trimEnd(),
      };
    }
  }
}

/** Where else the version is, for when the nearest server is dead. */
function secondServer(
  view: MdbView,
  machine: Machine,
  { version }: BootFiles,
): { rfs: number; ip: string } | undefined {
  const ipOf = (rfs: number): string | undefined => view.byName.get(`rfs${rfs}`)?.ip;
  const nearest = ipOf(machine.rfs);
  const rfs = secondRfs(
    view.boots,
    machine.rfs,
    version,
    (other) => ![undefined, nearest].includes(ipOf(other)),
  );
  return rfs === undefined ? undefined : { rfs, ip: ipOf(rfs)! };
}

/** What the initramfs of a version is told: see templates/rfs/init. */
function versionArgs(
  { rfs: { dir } }: Config,
  { mac }: Machine,
  ip: string,
  { version, rootHash }: BootFiles,
  secondIp: string | undefined,
): string {
  return [
    `nfsroot=${ipxeWord(ip)}:${dir},ro`,
    ...(secondIp === undefined ? [] : [`prolo.nfsroot2=${ipxeWord(secondIp)}:${dir},ro`]),
    `prolo.version=${version}`,
    `prolo.roothash=${rootHash}`,
    `prolo.mac=${ipxeWord(mac)}`,
  ].join(' ');
}

/** `{rfs}`, `{hfs}`, `{mac}`, `{hostname}` and `{netboot}` of a text in the config; iPXE's own `${…}` are left alone. */
export function fillIn(text: string, base: string, machine?: Machine): string {
  return text.replace(/(?<!\$)\{(netboot|rfs|hfs|mac|hostname)\}/g, (all, key: 'netboot' | keyof Machine) =>
    key === 'netboot' ? base : machine ? ipxeWord(String(machine[key])) : all,
  );
}

/** Files that netboot serves itself say whose they are, so that it sees how far the machine is. */
function withSender(url: string, base: string, mac: string, stage: string): string {
  if (!url.startsWith(`${base}/files/`) || url.includes('?')) return url;
  return `${url}?mac=${mac}&stage=${stage}`;
}

/** UEFI finds an initramfs by its name among the kernel's arguments, so each has one, and none has another's. */
export function named(urls: readonly string[]): { name: string; url: string }[] {
  const taken = new Set<string>();
  return urls.map((url, i) => {
    const base = (url.split(/[?#]/)[0]!.split('/').at(-1) ?? '').replace(/[^A-Za-z0-9._-]/g, '-') || 'initrd';
    const name = taken.has(base) ? `${i}-${base}` : base;
    taken.add(name);
    return { name, url };
  });
}

function refused(title: string, reason: string): Boot {
  return { kind: 'refused', title, reason };
}
