import { type Static, Type } from 'typebox';
import { duration, label, strict, text } from './shared.ts';

const Profile = Type.Union(
  [
    Type.Object({ kind: Type.Literal('rfs'), args: Type.String({ default: '' }) }, strict),
    Type.Object({ kind: Type.Literal('local') }, strict),
    Type.Object(
      {
        kind: Type.Literal('kernel'),
        kernel: Type.String({ minLength: 1 }),
        initrd: Type.Array(Type.String({ minLength: 1 }), { default: [] }),
        args: Type.String({ default: '' }),
      },
      strict,
    ),
    Type.Object({ kind: Type.Literal('chain'), url: Type.String({ minLength: 1 }) }, strict),
  ],
  { description: 'kind: rfs (args) | local | kernel (kernel, initrd, args) | chain (url)' },
);
export type Profile = Static<typeof Profile>;

export const Netboot = Type.Object(
  {
    url: Type.Optional(Type.String({ format: 'prolo-url', description: 'how machines reach netboot' })),
    bootUrl: text(
      'where kernels are; {rfs} is the machine’s RFS, {netboot} netboot itself',
      'http://rfs{rfs}/boot',
    ),
    filesDir: text('kernels and initramfs that netboot serves under /files/, below the state folder', 'boot'),
    kernel: text("the root filesystem's kernel, below bootUrl", 'vmlinuz-linux'),
    initrd: Type.Array(Type.String({ minLength: 1 }), {
      description: "the root filesystem's initramfs files, below bootUrl",
      default: ['initramfs-linux.img'],
    }),
    nfsPath: text('what the RFS exports', '/export/nfsroot_ro'),
    kernelOptions: text('added to every kernel of the site', 'ip=dhcp quiet'),
    pauseSeconds: Type.Integer({ minimum: 1, description: 'before a refused machine reboots', default: 15 }),
    menuSeconds: Type.Integer({
      minimum: 5,
      description: "how long an unknown machine's menu waits for a key before it asks MDB again",
      default: 60,
    }),
    lldpSeconds: Type.Integer({
      minimum: 1,
      description: 'how long a machine that registers waits for the LLDP packet of a known switch',
      default: 45,
    }),
    stuckSeconds: Type.Object(
      {
        address: duration('a machine has an address and asks for no script', 60),
        script: duration('has its script and fetches nothing, or nothing that netboot sees', 180),
        kernel: duration('has asked for the kernel', 90),
        initramfs: duration('has asked for the initramfs and is not up', 300),
      },
      { ...strict, description: 'longer than this at a stage of its boot, a machine is stuck', default: {} },
    ),
    registrationsPerMinute: Type.Integer({
      minimum: 1,
      description: 'accepted from one address',
      default: 10,
    }),
    discovery: text('profile of the LLDP initramfs that registers; none: the menu only', 'discovery'),
    profiles: Type.Record(Type.String({ pattern: label }), Profile, {
      description: 'what a machine can boot, by name',
      default: {
        rfs: { kind: 'rfs', args: '' },
        disk: { kind: 'local' },
        arch: {
          kind: 'kernel',
          kernel: '{netboot}/files/arch/vmlinuz-linux',
          initrd: ['{netboot}/files/arch/initramfs-linux.img'],
          args: 'archisobasedir=arch ip=dhcp',
        },
        debian: {
          kind: 'kernel',
          kernel: '{netboot}/files/debian/linux',
          initrd: ['{netboot}/files/debian/initrd.gz'],
          args: 'priority=low',
        },
        rescue: {
          kind: 'kernel',
          kernel: '{netboot}/files/rescue/vmlinuz',
          initrd: ['{netboot}/files/rescue/initrd.img'],
          args: '',
        },
        discovery: {
          kind: 'kernel',
          kernel: '{netboot}/files/discovery/vmlinuz',
          initrd: ['{netboot}/files/discovery/initrd.img'],
          args: '',
        },
        memtest: { kind: 'kernel', kernel: '{netboot}/files/memtest/memtest.bin', initrd: [], args: '' },
        toram: { kind: 'rfs', args: 'toram' },
        noverify: { kind: 'rfs', args: 'noverify' },
      },
    }),
    boots: Type.Object(
      {
        user: text('the profile of contestants’ PCs', 'rfs'),
        orga: text('the profile of organisers’ PCs', 'rfs'),
        cluster: text('the profile of match servers', 'rfs'),
        service: text('the profile of servers', 'arch'),
      },
      { ...strict, default: {} },
    ),
  },
  { ...strict, default: {} },
);
