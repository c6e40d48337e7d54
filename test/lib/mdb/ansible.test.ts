import { expect } from 'chai';
import { renderInventory } from '../../../src/lib/mdb/ansible.ts';
import type { MachineRecord } from '../../../src/lib/mdb/record.ts';

const machine = (hostname: string, more: Partial<MachineRecord> = {}): MachineRecord => ({
  hostname,
  aliases: '',
  ip: '192.168.0.1',
  mac: '02:00:00:00:00:01',
  rfs: 0,
  hfs: 1,
  mtype: 'user',
  room: 'pasteur',
  is_faulty: false,
  is_faulty_details: '',
  ...more,
});

describe('renderInventory', () => {
  it('groups machines by mtype and room, empty groups too', () => {
    const faulty = { aliases: 'a,b', is_faulty: true, is_faulty_details: 'no "screen"' };
    expect(
      renderInventory([machine('p1'), machine('p2', { ...faulty, mtype: 'orga' })], ['pasteur', 'alt']),
    ).to.deep.equal({
      user: { hosts: ['p1'] },
      orga: { hosts: ['p2'] },
      cluster: { hosts: [] },
      service: { hosts: [] },
      pasteur: { hosts: ['p1', 'p2'] },
      alt: { hosts: [] },
      _meta: {
        hostvars: {
          p1: {
            mac: '02:00:00:00:00:01',
            rfs: 0,
            hfs: 1,
            room: 'pasteur',
            aliases: [],
            is_faulty: false,
            is_faulty_details: '',
          },
          p2: {
            mac: '02:00:00:00:00:01',
            rfs: 0,
            hfs: 1,
            room: 'pasteur',
            aliases: ['a', 'b'],
            is_faulty: true,
            is_faulty_details: 'no "screen"',
          },
        },
      },
    });
  });

  it('keeps a room apart from the machine type of its name', () => {
    const inventory = renderInventory(
      [
        machine('gw', { mtype: 'service', room: 'cluster' }),
        machine('c1', { mtype: 'cluster', room: 'other' }),
      ],
      ['cluster'],
    );
    expect(inventory.cluster).to.deep.equal({ hosts: ['c1'] });
    expect(inventory.room_cluster).to.deep.equal({ hosts: ['gw'] });
    expect(inventory.other).to.deep.equal({ hosts: ['c1'] });
  });
});
