/** A virtual PC without a disk, as its maker asks for it. */
export interface PcSpec {
  name: string;
  mac: string;
  firmware: 'bios' | 'uefi';
  /** It is ended when it runs longer: a guest may hang, and qemu with it. */
  limitSeconds: number;
  memoryMib: number;
  /** It starts this kernel by itself, without firmware's network boot. */
  direct?: DirectBoot;
  /** It has a screen and a keyboard, which are seen and typed on through this unix socket, in QEMU's machine protocol. */
  monitor?: string;
}

export interface DirectBoot {
  kernel: string;
  initrd: string;
  arguments: string;
  /** An image, read-only: /dev/vda. */
  disk: string;
  /** The unix socket whose other end is the port named `lab` in the guest. */
  channel: string;
}

export interface PcParts {
  /** The tap device in the namespace that qemu runs in. */
  tap: string;
  /** A copy of OVMF's variables, for UEFI. */
  uefiVars?: string;
}

/** Of the lab's PCs, apart from those of the sample site's machines. */
export function labMac(number: number): string {
  return `52:54:00:70:63:${number.toString(16).padStart(2, '0')}`;
}

export const OVMF_CODE = '/usr/share/OVMF/OVMF_CODE_4M.fd';
export const OVMF_VARS = '/usr/share/OVMF/OVMF_VARS_4M.fd';

/**
 * What starts it, with its serial port on standard input and output. A BIOS PC has qemu's own network ROM, which is
 * iPXE already; an UEFI PC has none (`romfile=`), so that its firmware's PXE has to fetch iPXE by TFTP.
 * No KVM: the emulated processor is slower, but runs wherever this does.
 */
export function qemuArgv(spec: PcSpec, parts: PcParts): string[] {
  const uefi = spec.firmware === 'uefi';
  const firmware = uefi
    ? [
        ['-machine', 'q35'],
        ['-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${OVMF_CODE}`],
        ['-drive', `if=pflash,format=raw,unit=1,file=${parts.uefiVars}`],
      ]
    : [['-machine', 'pc,graphics=off']];
  return [
    ['timeout', '--kill-after=5', String(spec.limitSeconds), 'qemu-system-x86_64'],
    ['-name', spec.name, '-accel', 'tcg,thread=multi', '-m', String(spec.memoryMib)],
    // Programs choose their code by what the processor says it has, and the newest instructions are the slowest to emulate.
    ['-cpu', spec.direct ? 'qemu64' : 'max'],
    ['-nodefaults', '-no-user-config', '-display', 'none'],
    ...firmware,
    ['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
    ['-netdev', `tap,id=lan,ifname=${parts.tap},script=no,downscript=no`],
    ['-device', `virtio-net-pci,netdev=lan,mac=${spec.mac}${uefi || spec.direct ? ',romfile=' : ''}`],
    ['-object', 'rng-random,id=rng,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=rng'],
    ...(spec.direct ? directArgv(spec.direct) : [['-boot', 'n']]),
    ...(spec.monitor
      ? [
          ['-device', 'VGA'],
          ['-qmp', `unix:${spec.monitor},server=on,wait=off`],
        ]
      : []),
  ].flat();
}

function directArgv(direct: DirectBoot): string[][] {
  return [
    ['-kernel', direct.kernel, '-initrd', direct.initrd, '-append', direct.arguments],
    ['-drive', `if=none,id=root,format=raw,readonly=on,cache=unsafe,file=${direct.disk}`],
    ['-device', 'virtio-blk-pci,drive=root'],
    ['-chardev', `socket,id=lab,path=${direct.channel},server=on,wait=off`],
    ['-device', 'virtio-serial-pci', '-device', 'virtserialport,chardev=lab,name=lab'],
  ];
}
