import { expect } from 'chai';
import { switchesOf } from '../../../src/lib/power/switch-of.ts';

describe('switchesOf', () => {
  const sw = (name: string, room: string, rfs: number, hfs: number) => ({
    name,
    chassis: '68:b5:99:9f:45:40',
    room,
    rfs,
    hfs,
  });
  const switchOf = switchesOf([
    sw('sw-pas-1', 'pasteur', 0, 0),
    sw('sw-pas-2', 'pasteur', 1, 1),
    sw('sw-mas-1', 'masters', 0, 0),
    sw('sw-mas-2', 'masters', 2, 2),
    sw('sw-mas-3', 'masters', 2, 2),
  ]);

  const cases: [string, { room: string; rfs: number; hfs: number }, string][] = [
    ['the one with its room and servers', { room: 'pasteur', rfs: 1, hfs: 1 }, 'sw-pas-2'],
    ['not the one of another room', { room: 'masters', rfs: 0, hfs: 0 }, 'sw-mas-1'],
    ['not the one of another home server', { room: 'pasteur', rfs: 0, hfs: 1 }, 'pasteur, rfs 0, hfs 1'],
    ['one place for all where two have them', { room: 'masters', rfs: 2, hfs: 2 }, 'masters, rfs 2, hfs 2'],
    ['one place for all where none has', { room: 'alt', rfs: 0, hfs: 0 }, 'alt, rfs 0, hfs 0'],
  ];
  for (const [what, machine, expected] of cases)
    it(`finds ${what}`, () => expect(switchOf(machine)).to.equal(expected));
});
