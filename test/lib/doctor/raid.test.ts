import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { describeStep } from '../../../src/lib/bootstrap/describe.ts';
import type { BlockDevice } from '../../../src/lib/bootstrap/disk.ts';
import { parseMdstat } from '../../../src/lib/doctor/checks/raid.ts';
import { copyState, diagnose, type MdArray, picture, type RaidFacts } from '../../../src/lib/doctor/raid.ts';
import { parseDetail, parseSmart } from '../../../src/lib/doctor/raid-facts.ts';
import {
  chooseSurvivor,
  hasJoined,
  planReplace,
  type Replacement,
} from '../../../src/lib/doctor/raid-replace.ts';
import { findOld } from '../../../src/lib/doctor/raid-run.ts';
import { device, mirror, part } from '../bootstrap/disks.ts';

const golden = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../golden/raid', `${name}.txt`), 'utf8');

/** What Linux 6.1 and mdadm 4.2 said. */
function recorded(name: string): MdArray {
  const array = parseDetail('/dev/md126', golden(`${name}.detail`));
  const doing = parseMdstat(golden(`${name}.mdstat`)).find((one) => one.name === 'md126')?.doing;
  return doing === undefined ? array : { ...array, doing };
}

const member = (path: string): Partial<BlockDevice> => ({
  fstype: 'linux_raid_member',
  label: 'gw:rec',
  path,
});
const inArray = (path: string, serial: string): BlockDevice =>
  device(path, { ...member(path), serial, model: 'ST500DM002', children: [mirror('/dev/md126')] });

const facts = (name: string, more: Partial<RaidFacts> = {}): RaidFacts => ({
  arrays: [recorded(name)],
  disks: [inArray('/dev/loop0', 'AAA'), inArray('/dev/loop1', 'BBB')],
  places: new Map([['/dev/loop1', ['pci-0000:00:1f.2-ata-2']]]),
  known: [
    { serial: 'AAA', model: 'ST500DM002', places: ['pci-0000:00:1f.2-ata-1'] },
    { serial: 'BBB', model: 'WD5000', places: ['pci-0000:00:1f.2-ata-2'] },
  ],
  smart: new Map(),
  ...more,
});

const said = (what: RaidFacts): string => {
  const { findings, next } = diagnose(what);
  return [
    ...findings.map(({ colour, what: words }) => `${colour}: ${words}`),
    ...next.flatMap(({ commands }) => commands),
  ].join('\n');
};

describe('what mdadm says', () => {
  it('is read as members and what they do', () => {
    expect(recorded('failed').members).to.deep.equal([
      { state: 'active sync', device: '/dev/loop0' },
      { state: 'removed' },
      { state: 'faulty', device: '/dev/loop1' },
    ]);
    expect(recorded('rebuilding')).to.deep.include({ doing: 'recovery =  5.0%', wanted: 2, level: 'raid1' });
    expect(recorded('inactive')).to.deep.include({
      active: false,
      members: ['0', '1'].map((n) => ({ state: '', device: `/dev/loop${n}` })),
    });
    const names = ['failed', 'removed', 'rebuilding', 'replacing', 'replaced'];
    expect(names.map((name) => `${picture(recorded(name))} ${copyState(recorded(name))}`)).to.deep.equal([
      '[U_] stuck',
      '[U_] stuck',
      '[U_] copying',
      '[UU] copying',
      '[UU] whole',
    ]);
  });
});

describe('the walk through a dead disk', () => {
  it('names the one that failed, by its serial number and its place', () => {
    expect(said(facts('failed'))).to.match(
      /^red: \/dev\/md126 \(raid1\) \[U_\]: \/dev\/loop1 failed, on \/dev\/loop1 \(ST500DM002, serial BBB, 500 GB\) at pci-0000:00:1f.2-ata-2\n/,
    );
    expect(said(facts('failed'))).to.match(/^prolo doctor raid --replace \/dev\/loop1 --with \/dev\/NEW$/m);
  });

  it('names the one that is gone by what was written down of it, and the empty one that is there', () => {
    const disks = [inArray('/dev/loop0', 'AAA'), device('/dev/sdc', { serial: 'CCC' })];
    const text = said(facts('removed', { disks }));
    expect(text).to.match(/a disk is gone: WD5000, serial BBB, it was at pci-0000:00:1f.2-ata-2$/m);
    expect(text).to.match(/^prolo doctor raid --replace missing --with \/dev\/sdc$/m);
  });

  it('names those that work, where nothing was written down', () => {
    const text = said(facts('removed', { disks: [inArray('/dev/loop0', 'AAA')], known: [] }));
    expect(text).to.contain('a disk is gone; there is still /dev/loop0 (ST500DM002, serial AAA, 500 GB)');
  });

  it('takes one in again that is there and fell out', () => {
    const out = device('/dev/loop1', { ...member('/dev/loop1'), serial: 'BBB' });
    const text = said(facts('removed', { disks: [member0(), withPart(out)] }));
    expect(text).to.match(
      /^mdadm \/dev\/md126 --re-add \/dev\/sdb3 \|\| mdadm \/dev\/md126 --add \/dev\/sdb3$/m,
    );
  });

  it('has one wait while a copy is made', () => {
    expect(said(facts('rebuilding'))).to.equal(
      'yellow: /dev/md126 (raid1) [U_]: /dev/loop2 is given its copy, recovery =  5.0%\nwatch cat /proc/mdstat',
    );
  });

  it('has one wait while a copy is made for a disk that works yet; then that one is taken out', () => {
    expect(said(facts('replacing'))).to.equal(
      'yellow: /dev/md126 (raid1) [UU]: /dev/loop2 is given its copy, recovery = 12.6%\nwatch cat /proc/mdstat',
    );
    expect(said(facts('replaced')).split('\n')).to.deep.equal([
      'yellow: /dev/md126 (raid1) [UU]: whole; /dev/loop1 failed and is in it still, on /dev/loop1 (ST500DM002, serial BBB, 500 GB) at pci-0000:00:1f.2-ata-2',
      'mdadm /dev/md126 --remove /dev/loop1',
      'mdadm --zero-superblock /dev/loop1',
    ]);
  });

  it('starts an array that did not start', () => {
    expect(said(facts('inactive'))).to.match(
      /^red: \/dev\/md126: not active; it has \/dev\/loop0 and \/dev\/loop1\nmdadm --run \/dev\/md126$/m,
    );
  });

  it('is short where all is well, and where there is no array', () => {
    const whole = recorded('removed');
    whole.members[1] = { state: 'active sync', device: '/dev/loop1' };
    expect(said(facts('removed', { arrays: [whole] }))).to.equal('green: /dev/md126 (raid1) [UU]: whole');
    expect(said(facts('removed', { arrays: [] }))).to.equal('green: no array here');
    const smart = new Map([['/dev/loop1', '8 sectors moved']]);
    expect(said(facts('removed', { arrays: [whole], smart }))).to.contain(
      'serial BBB, 500 GB): SMART: 8 sectors moved',
    );
  });

  it('hears SMART', () => {
    const table = [
      { id: 5, raw: { value: 8 } },
      { id: 9, raw: { value: 4000 } },
    ];
    const smart = (passed: boolean, more: object = {}): string | undefined =>
      parseSmart(JSON.stringify({ smart_status: { passed }, ...more }));
    expect(smart(true)).to.equal('');
    expect(smart(true, { ata_smart_attributes: { table } })).to.equal('8 sectors moved');
    expect(smart(false)).to.contain('about to fail');
    expect([parseSmart('{}'), parseSmart('no disk')]).to.deep.equal([undefined, undefined]);
  });

  const member0 = (): BlockDevice => inDisk('/dev/sda', '/dev/loop0', 'AAA', true);
  const inDisk = (path: string, partition: string, serial: string, isIn: boolean): BlockDevice =>
    device(path, {
      serial,
      children: [
        part(partition, { ...member(partition), ...(isIn ? { children: [mirror('/dev/md126')] } : {}) }),
      ],
    });
  const withPart = ({ serial }: BlockDevice): BlockDevice => inDisk('/dev/sdb', '/dev/sdb3', serial!, false);
});

describe('a disk in the place of another', () => {
  const BIOS = '21686148-6449-6E6F-744E-656564454649';
  const ESP = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B';
  const survivor = device('/dev/sda', {
    serial: 'AAA',
    children: [
      part('/dev/sda2', { partuuid: 'esp-a' }),
      part('/dev/sda3', { children: [mirror('/dev/md126')] }),
    ],
  });
  const old = device('/dev/sdb', {
    serial: 'BBB',
    children: [
      part('/dev/sdb2', { partuuid: 'esp-b', mountpoints: ['/boot/efi2'] }),
      part('/dev/sdb3', { children: [mirror('/dev/md126')] }),
    ],
  });
  const NAMES: Record<string, string> = { loop0: 'sda3', loop1: 'sdb3', loop2: 'sdc3' };
  const array = (name: string): MdArray => {
    const one = recorded(name);
    const device = (path: string): string => path.replace(/loop\d/, (loop) => NAMES[loop]!);
    const members = one.members.map((each) =>
      each.device ? { ...each, device: device(each.device) } : each,
    );
    return { ...one, members };
  };
  const partitions = [
    { node: '/dev/sda1', start: 2048, size: 2048, type: BIOS, name: 'prolo-bios', uuid: 'a1' },
    { node: '/dev/sda2', start: 4096, size: 1048576, type: ESP, name: 'prolo-efi', uuid: 'esp-a' },
    { node: '/dev/sda3', start: 1052672, size: 5175296, type: 'raid', name: 'prolo-raid', uuid: 'a3' },
  ];
  const make = (name: string, disks: BlockDevice[], more: Partial<Replacement> = {}): Replacement => ({
    facts: facts(name, { arrays: [array(name)], disks }),
    old: undefined,
    candidate: { disk: device('/dev/sdc', { serial: 'CCC' }), signatures: [], erase: false },
    survivor: { disk: survivor, table: { sectorsize: 512, partitions } },
    ...{ begun: false, mounted: [], espUuid: 'esp-c' },
    fstab: 'PARTUUID=esp-a /boot/efi vfat x 0 2\nPARTUUID=esp-b /boot/efi2 vfat x 0 2\n',
    ...more,
  });
  const text = (replacement: Replacement): string => {
    const { steps, afterCopy } = planReplace(replacement);
    return [...steps, ...afterCopy].map((step) => describeStep(step, '')).join('\n');
  };
  /** Which of them it has, as the plan has them one after the other. */
  const inOrder = (plan: string, lines: readonly string[]): void => {
    const places = lines.map((line) => plan.indexOf(line));
    expect(places, plan).to.deep.equal([...places].sort((a, b) => a - b));
    expect(places, plan).not.to.include(-1);
  };
  const working = (): MdArray => {
    const one = array('removed');
    one.members[1] = { state: 'active sync', device: '/dev/sdb3' };
    return one;
  };

  it('is taken out, divided, taken in, and starts the machine', () => {
    const plan = text(make('failed', [survivor, old], { old }));
    inOrder(plan, [
      'mdadm /dev/md126 --remove /dev/sdb3',
      'start=1052672, size=5175296, type=raid, name="prolo-half-11740e6f"',
      'mdadm /dev/md126 --add /dev/sdc3',
      'umount --lazy /boot/efi2',
      'mkfs.vfat -F 32 -n EFI /dev/sdc2',
      'PARTUUID=esp-c /boot/efi2 vfat',
      'mount --mkdir /dev/sdc2 /boot/efi2',
      'grub-install --target=x86_64-efi --recheck --efi-directory=/boot/efi2 --removable --no-nvram',
      'grub-install --target=i386-pc --recheck /dev/sdc',
      '"serial": "CCC"',
      '--part-label /dev/sdc 3 prolo-raid',
    ]);
    expect(plan).not.to.match(/--fail|--replace/);
    expect(plan).not.to.contain('BBB"').and.not.to.contain('uuid=a1');
  });

  it('has its copy before the old one leaves, where that works yet', () => {
    const replacement = make('removed', [survivor, old], { old });
    replacement.facts.arrays = [working()];
    const plan = text(replacement);
    inOrder(plan, [
      'mdadm /dev/md126 --add /dev/sdc3',
      'mdadm --action=idle /dev/md126',
      'mdadm /dev/md126 --replace /dev/sdb3 --with /dev/sdc3',
      'mkfs.vfat -F 32 -n EFI /dev/sdc2',
      '--part-label /dev/sdc 3 prolo-raid',
    ]);
    expect(plan).not.to.contain('--fail');
    const { steps, afterCopy } = planReplace(replacement);
    expect(steps.map(({ name }) => name)).to.deep.equal(['partition', 'add', 'replace']);
    expect(afterCopy.map(({ name }) => name)).to.deep.equal(['take-out', 'boot-uefi', 'boot-bios', 'remember']); // prettier-ignore
    expect(afterCopy[0]!.actions).to.deep.equal([
      { argv: ['mdadm', '/dev/md126', '--remove', '/dev/sdb3'] },
      { argv: ['mdadm', '--zero-superblock', '/dev/sdb3'] },
    ]);
  });

  it('waits for an array that is busy, or lacks another disk', () => {
    const refusal = (change: Partial<MdArray>): (() => string) => {
      const replacement = make('removed', [survivor, old], { old });
      replacement.facts.arrays = [{ ...working(), ...change }];
      return () => text(replacement);
    };
    expect(refusal({ doing: 'resync = 1.0%' })).to.throw('array /dev/md126: busy, resync = 1.0%');
    expect(refusal({ wanted: 3 })).to.throw('array /dev/md126: lacks another disk too');
    expect(refusal({ doing: 'check = 1.0%' })).not.to.throw();
  });

  it('goes on where it was broken off before it was told whose place it takes, and after', () => {
    const goesOn = (state: string): string => {
      const replacement = make('replacing', [survivor, old], { old, begun: true });
      replacement.facts.arrays[0]!.members.find((one) => one.device === '/dev/sdc3')!.state = state;
      replacement.candidate.disk.children = [part('/dev/sdc3')];
      return text(replacement);
    };
    expect(goesOn('spare')).to.contain('--replace /dev/sdb3 --with /dev/sdc3').and.not.to.contain('--add');
    expect(goesOn('spare rebuilding')).not.to.match(/--replace|=idle|--add/);
  });

  it('goes on where it was broken off: what is in the array is not divided anew', () => {
    const replacement = make('rebuilding', [survivor], {
      begun: true,
      mounted: ['/boot/efi2'],
      espUuid: 'esp-c',
    });
    replacement.facts.arrays[0]!.members[1]!.device = '/dev/sdc3';
    replacement.candidate.disk.children = [part('/dev/sdc3')];
    replacement.fstab = replacement.fstab.replace('esp-b', 'esp-c');
    const plan = text(replacement);
    expect(plan).not.to.contain('sfdisk --quiet').and.not.to.contain('--add');
    expect(plan)
      .to.match(/umount \/boot\/efi2\n +mkfs.vfat/)
      .and.to.contain('PARTUUID=esp-c /boot/efi2');
  });

  it('is known again by its mark while it is in use: the server runs from it', () => {
    const arrays = [array('replacing')];
    const joined = (partlabel: string): boolean =>
      hasJoined(device('/dev/sdc', { children: [part('/dev/sdc3', { partlabel })] }), arrays);
    expect(joined(`prolo-half-${arrays[0]!.uuid.slice(0, 8)}`)).to.equal(true);
    expect(joined('prolo-raid')).to.equal(false);
    expect(joined('prolo-half-00000000')).to.equal(false);
  });

  it('is given the names of partitions as plain text: no script of sfdisk is written in one', () => {
    const odd = partitions.map((one) => ({ ...one, name: 'a", type=x\nsize=1MiB' }));
    const replacement = make('failed', [survivor, old], { old });
    replacement.survivor.table = { sectorsize: 512, partitions: odd };
    expect(text(replacement)).to.contain('name="a__ type_x_size_1MiB"');
  });

  it('takes the place of one that answers nobody who reads it', () => {
    const dead = device('/dev/null');
    const own = { ...array('failed'), members: [{ state: 'faulty', device: '/dev/null' }] };
    expect(findOld('/dev/null', { disks: [dead], arrays: [own] })).to.equal(dead);
    expect(() => findOld('/dev/null', { disks: [dead], arrays: [array('failed')] })).to.throw('in no array');
    expect(() => findOld('/dev/no-such', { disks: [dead], arrays: [own] })).to.throw('not there');
  });

  it('is refused where it is too small, or where the old one has the only copy', () => {
    const small = { disk: device('/dev/sdc', { size: 3e9 }), signatures: [], erase: false };
    expect(() => text(make('failed', [survivor, old], { candidate: small }))).to.throw('bytes, and');
    expect(() =>
      chooseSurvivor({ ...facts('failed'), arrays: [array('failed')], disks: [survivor, old] }, survivor),
    ).to.throw('disk /dev/sda: has the only whole copy');
    expect(
      chooseSurvivor({ ...facts('failed'), arrays: [array('failed')], disks: [survivor, old] }, old),
    ).to.equal(survivor);
  });
});
