import { expect } from 'chai';
import { describeStep } from '../../../src/lib/bootstrap/describe.ts';
import { partitionPath } from '../../../src/lib/bootstrap/disk.ts';
import { raidMib } from '../../../src/lib/bootstrap/layout.ts';
import {
  type BootstrapOptions,
  checkOptions,
  markOf,
  parseMib,
  parseVolume,
} from '../../../src/lib/bootstrap/options.ts';
import { parseNotes } from '../../../src/lib/bootstrap/notes.ts';
import { packagesOf } from '../../../src/lib/bootstrap/packages.ts';
import { planBootstrap } from '../../../src/lib/bootstrap/plan.ts';
import { device } from './disks.ts';

const options: BootstrapOptions = {
  ...{ host: 'gw', distribution: 'debian', suite: 'bookworm', sources: [], kernel: 'linux-image-amd64' },
  ...{
    packages: [],
    volumes: [],
    keys: ['ssh-ed25519 AAAA'],
    network: { dns: [] },
    timezone: 'Europe/Paris',
  },
};
const ids = { array: '1:2:3:4', esps: ['uuid-a', 'uuid-b'] };
const disks = [device('/dev/sda', { serial: 'Z3T9' }), device('/dev/nvme0n1', { size: 480e9 })];
const plan = (more: Partial<BootstrapOptions> = {}) => planBootstrap(disks, { ...options, ...more }, ids);
const textOf = (name: string, more?: Partial<BootstrapOptions>): string =>
  describeStep(plan(more).find((step) => step.name === name)!);

describe('the plan of a server', () => {
  it('divides all disks the same, a little smaller than the smallest', () => {
    const text = textOf('partition');
    const sizes = [...text.matchAll(/size=(\d+)MiB, .*half/g)].map(([, size]) => Number(size));
    expect(sizes).to.deep.equal([sizes[0], sizes[0]]);
    expect(sizes[0]! * 1024 ** 2).to.be.within(479e9 - 1e9, 480e9 - 6e8);
    expect(text.match(/type=21686148/g)).to.have.lengthOf(2);
    expect(text).to.contain('uuid=uuid-a').and.to.contain('uuid=uuid-b');
    expect(() => raidMib([device('/dev/sda', { size: 2e9 })])).to.throw('too few');
  });

  it('makes the array of the third partitions, whatever they are called', () => {
    expect(textOf('mirror')).to.match(/--raid-devices=2 .*--uuid=1:2:3:4 \/dev\/sda3 \/dev\/nvme0n1p3$/);
    expect(partitionPath('/dev/loop0', 1)).to.equal('/dev/loop0p1');
  });

  it('gives the root what is left, after all that has a size', () => {
    const text = textOf('volumes', {
      swapMib: 8192,
      volumes: [{ name: 'export', mib: 1024, mount: '/export' }],
    });
    const names = [...text.matchAll(/lvcreate .*--name (\w+) (.*) gw/g)].map(([, name, size]) => [
      name,
      size,
    ]);
    expect(names).to.deep.equal([
      ['swap', '--size 8192m'],
      ['export', '--size 1024m'],
      ['root', '--extents 100%FREE'],
    ]);
  });

  it('is refused before anything is lost where not all of it has room', () => {
    const volume = (mib: number) => ({ volumes: [{ name: 'export', mib, mount: '/export' }] });
    expect(() => plan(volume(600_000))).to.throw(/^volumes: \d+ GB are wanted, and the mirror has 479 GB/);
    expect(() => plan({ ...volume(400_000), rootMib: 100_000 })).to.throw('are wanted');
    expect(() => plan({ swapMib: 456_500 })).to.throw('are wanted');
    expect(() => plan({ ...volume(400_000), rootMib: 40_000 })).not.to.throw();
  });

  it('puts GRUB on every disk, for BIOS and UEFI, and no boot waits for a dead one', () => {
    const text = textOf('grub');
    for (const word of ['--recheck /dev/sda', '--recheck /dev/nvme0n1', '=/boot/efi ', '=/boot/efi2 '])
      expect(text).to.contain(word);
    expect(textOf('configure').match(/PARTUUID=.*nofail/g)).to.have.lengthOf(2);
  });

  it('writes the network, the console and the disks that it is made of', () => {
    const text = textOf('configure', {
      serial: 'ttyS1',
      network: { nic: 'eno1', address: '10.1.2.3/8', gateway: '10.0.0.1', dns: ['1.1.1.1'] },
    });
    expect(text).to.match(/Name=eno1\n.*\n.*Address=10.1.2.3\/8\n.*Gateway=10.0.0.1\n.*DNS=1.1.1.1\n/);
    expect(text).to.contain('console=tty0 console=ttyS1,115200').and.to.contain('--unit=1 ');
    expect(text).to.contain('"serial": "Z3T9"');
  });

  it('never shows a password, and changes no mark with it', () => {
    expect(textOf('configure', { passwordHash: '$6$secret' })).not.to.contain('secret');
    const marks = ['$6$one', '$6$two'].map((passwordHash) => markOf({ ...options, passwordHash }));
    expect(marks[0]).to.equal(marks[1]);
    expect(markOf(options)).not.to.equal(markOf({ ...options, host: 'web' }));
  });

  it('is of Arch by pacstrap, mkinitcpio and its own names of services', () => {
    const arch = { distribution: 'arch', kernel: 'linux', sources: ['Server = https://m/$repo'] } as const;
    expect(textOf('base', arch)).to.match(
      /pacstrap -C \S+ -K -M \/mnt\/prolo-bootstrap base linux-firmware .* linux$/m,
    );
    expect(textOf('initramfs', arch)).to.contain('mkinitcpio -P');
    const text = textOf('configure', arch);
    expect(text).to.contain('/etc/mdadm.conf').and.to.contain('block mdadm_udev lvm2 filesystems');
    expect(text).to.contain('enable sshd.service').and.to.contain('Server = https://m/$repo');
    expect(text).not.to.contain('/etc/mdadm/mdadm.conf');
  });

  it('has no firmware of metal with the kernel of a cloud', () => {
    expect(packagesOf(options)).to.include('firmware-bnx2');
    expect(packagesOf({ ...options, kernel: 'linux-image-cloud-amd64' })).not.to.include('firmware-bnx2');
  });
});

describe('what a run has written down', () => {
  const ids = { array: '1:2', esps: ['a'] };
  const line = (what: object): string => `${JSON.stringify(what)}\n`;

  it('is believed up to what a power cut has left of it', () => {
    const whole = line({ ids }) + line({ done: 'base' });
    expect(parseNotes(whole)).to.deep.equal({ ids, done: ['base'] });
    for (const more of ['{"done":"pro', '{"done":"pro\n', `\0\0\0\n${line({ done: 'grub' })}`])
      expect(parseNotes(whole + more), more).to.deep.equal({ ids, done: ['base'] });
    for (const none of ['', '\0\0\0\n', line({ done: 'base' })]) expect(parseNotes(none)).to.equal(undefined);
  });
});

describe('what a server is to be', () => {
  const check = (more: Partial<BootstrapOptions>) => () => checkOptions({ ...options, ...more });
  for (const [what, more, words] of [
    ['a hostname with dots', { host: 'gw.prolo' }, 'not one label'],
    ['nobody who could log in', { keys: [] }, 'nobody could log in'],
    ['a volume over the system', { volumes: [{ name: 'x', mib: 1, mount: '/usr/lib' }] }, 'no folder for it'],
    [
      'a volume that leaves its folder',
      { volumes: [{ name: 'x', mib: 1, mount: '/srv/../etc' }] },
      'no folder',
    ],
    ['two volumes of one name', { volumes: [parseVolume('a=1G:/a'), parseVolume('a=1G:/b')] }, 'a: twice'],
    ['a volume called root', { volumes: [parseVolume('root=1G:/a')] }, 'a flag of its own'],
    ['a gateway without an address', { network: { gateway: '10.0.0.1', dns: [] } }, 'only with an address'],
    ['an address without its network', { network: { address: '10.0.0.1', dns: [] } }, 'not ADDRESS/PREFIX'],
    ['a time zone elsewhere', { timezone: '../../etc/shadow' }, 'timezone'],
    ['a time zone that is none', { timezone: 'Europe/Pariss' }, 'there is none'],
    ['an option in place of a release', { suite: '--setup-hook=reboot' }, 'suite'],
    ['a mirror of two lines', { sources: ['deb http://a b main\ndeb http://c d main'] }, 'mirror'],
    ['an option in place of a package', { packages: ['--root=/'] }, 'not a name of a package'],
  ] as const)
    it(`is refused with ${what}`, () => {
      expect(check(more as Partial<BootstrapOptions>)).to.throw(words);
    });

  it('reads sizes and volumes', () => {
    expect(
      check({ network: { address: '10.1.2.3/8', gateway: '10.0.0.1', dns: ['1.1.1.1'] } }),
    ).not.to.throw();
    expect(parseVolume('export=2T:/export')).to.deep.equal({
      name: 'export',
      mib: 2097152,
      mount: '/export',
    });
    for (const text of ['40', '0G', '-1G', '4.5G', '40X'])
      expect(() => parseMib('size', text), text).to.throw();
    for (const text of ['export', 'export=1G', '=1G:/a']) expect(() => parseVolume(text), text).to.throw();
  });
});
