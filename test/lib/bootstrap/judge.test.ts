import { expect } from 'chai';
import type { BlockDevice } from '../../../src/lib/bootstrap/disk.ts';
import { judgeDisks, takeDownArgv } from '../../../src/lib/bootstrap/judge.ts';
import { lookAt } from '../../../src/lib/bootstrap/look.ts';
import { rejection } from '../../support/rejection.ts';
import { device, mirror, part } from './disks.ts';

const MARK = '0a1b2c3d';

function judge(
  disks: BlockDevice[],
  options: { erase?: string[]; signatures?: string[]; others?: BlockDevice[] } = {},
) {
  const { erase = [], signatures = [], others = [] } = options;
  const candidates = disks.map((disk) => ({ disk, signatures, erase: erase.includes(disk.path) }));
  return judgeDisks(candidates, MARK, [...disks, ...others]);
}

const half = (path: string, mark = MARK): BlockDevice =>
  device(path, {
    pttype: 'gpt',
    children: [
      part(`${path}3`, { partlabel: `prolo-half-${mark}`, label: 'gw:system', fstype: 'linux_raid_member' }),
    ],
  });

describe('disks that a server is to be made of', () => {
  const empty = device('/dev/sda');

  it('are taken where they are empty', () => {
    expect(judge([empty, device('/dev/sdb')])).to.equal('fresh');
  });

  it('are disks, and not what else is in /dev', async () => {
    expect((await rejection(lookAt(['/dev/null', '/dev/zero'], []))).message).to.equal(
      'disk /dev/null: not a disk',
    );
    expect((await rejection(lookAt(['no-such-disk'], []))).message).to.equal(
      'disk /dev/no-such-disk: not there',
    );
  });

  for (const [what, disk, words] of [
    ['a filesystem', device('/dev/sdb', { fstype: 'ext4', label: 'photos' }), 'sdb ext4 "photos"'],
    ['a partition table alone', device('/dev/sdb', { pttype: 'dos' }), 'sdb a partition table (dos)'],
    [
      'a partition without a filesystem',
      device('/dev/sdb', { pttype: 'gpt', children: [part('/dev/sdb1')] }),
      'sdb1 a partition',
    ],
    [
      'a member of an array',
      device('/dev/sdb', { children: [part('/dev/sdb1', { fstype: 'linux_raid_member' })] }),
      'sdb1 linux_raid_member',
    ],
    ['a volume of LVM', device('/dev/sdb', { fstype: 'LVM2_member' }), 'sdb LVM2_member'],
  ] as const)
    it(`are refused with ${what}, until that disk is named twice`, () => {
      expect(() => judge([empty, disk])).to.throw('disk /dev/sdb: holds data: ');
      expect(() => judge([empty, disk])).to.throw(words);
      expect(() => judge([empty, disk], { erase: ['/dev/sda'] })).to.throw('/dev/sdb: holds data');
      expect(judge([empty, disk], { erase: ['/dev/sdb'] })).to.equal('fresh');
    });

  it('are refused with a signature that only wipefs knows', () => {
    expect(() => judge([empty, device('/dev/sdb')], { signatures: ['zfs_member'] })).to.throw(
      'sda zfs_member',
    );
  });

  for (const [what, disk, words] of [
    [
      'mounted',
      device('/dev/sdb', { children: [part('/dev/sdb1', { mountpoints: ['/home'] })] }),
      'mounted at /home',
    ],
    ['swap', device('/dev/sdb', { mountpoints: ['[SWAP]'] }), 'used as swap'],
    ['read-only', device('/dev/sdb', { ro: true }), 'read-only'],
    ['no disk', part('/dev/sdb1'), 'not a disk'],
    [
      'open and encrypted',
      device('/dev/sdb', { children: [device('/dev/mapper/c', { type: 'crypt' })] }),
      'in use (crypt)',
    ],
  ] as const)
    it(`are refused when one is ${what}, though it is named twice`, () => {
      expect(() => judge([empty, disk], { erase: [disk.path] })).to.throw(words);
    });

  it('are refused with a part of an array that is on another disk too', () => {
    const array = mirror('/dev/md0');
    const on = (path: string): BlockDevice =>
      device(path, { children: [part(`${path}1`, { children: [array] })] });
    expect(() => judge([empty, on('/dev/sdb')], { erase: ['/dev/sdb'], others: [on('/dev/sdc')] })).to.throw(
      'disk /dev/sdb: /dev/md0 is on /dev/sdc too',
    );
    expect(judge([on('/dev/sdb'), on('/dev/sdc')], { erase: ['/dev/sdb', '/dev/sdc'] })).to.equal('fresh');
  });

  it('are gone on with where the same arguments have begun on them', () => {
    expect(judge([half('/dev/sda'), half('/dev/sdb')])).to.equal('half');
    expect(judge([half('/dev/sda'), device('/dev/sdb')])).to.equal('fresh');
    expect(() => judge([half('/dev/sda'), half('/dev/sdb', 'ffffffff')])).to.throw('other arguments');
  });

  it('are gone on with where the first has lost its mark, and the array is the same', () => {
    const array = mirror('/dev/md127');
    const whole = device('/dev/sda', {
      children: [part('/dev/sda3', { partlabel: 'prolo-raid', children: [array] })],
    });
    const begun = half('/dev/sdb');
    begun.children![0]!.children = [array];
    expect(judge([whole, begun])).to.equal('half');
  });

  it('are taken out of use from the top: volumes, then arrays, each once', () => {
    const array = mirror('/dev/md0', device('/dev/mapper/gw-root', { type: 'lvm' }));
    const on = (path: string): BlockDevice =>
      device(path, { children: [part(`${path}1`, { children: [array] })] });
    expect(takeDownArgv([on('/dev/sda'), on('/dev/sdb')])).to.deep.equal([
      ['lvchange', '--activate', 'n', '--yes', '/dev/mapper/gw-root'],
      ['mdadm', '--stop', '/dev/md0'],
    ]);
  });
});
