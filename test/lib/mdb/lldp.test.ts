import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { learnSwitch, type Neighbor, parseNeighbors } from '../../../src/lib/mdb/lldp.ts';
import { machine, rhfs } from '../netboot/support.ts';

const golden = (name: string): string =>
  readFileSync(new URL(`../../golden/lldp/${name}`, import.meta.url), 'utf8');
const heard = (fields: Partial<Neighbor> = {}): Neighbor => ({
  link: 'rhfs0',
  chassis: '68:b5:99:9f:45:40',
  name: 'sw-kb-past-2',
  does: ['Bridge'],
  ...fields,
});
const AT = { rfs: 0, hfs: 0, room: 'pasteur' };

describe('lldp: parseNeighbors', () => {
  const cases: [file: string, expected: Partial<Neighbor>[]][] = [
    ['lldpcli.json', [{ link: 'nbl0' }, { link: 'nbl0', chassis: '02:aa:bb:cc:dd:ee', name: 'rhfs01' }]],
    [
      'lldpcli-json0.json',
      [{ link: 'nbl0' }, { link: 'nbl0', chassis: '02:aa:bb:cc:dd:ee', name: 'rhfs01' }],
    ],
    ['lldpcli-one-nameless.json', [{ link: 'eth0', name: '' }]],
    ['networkctl-sadm.txt', [{}, { link: 'rhfs1', chassis: 'c0:91:34:c3:02:00', name: 'sw-kb-pas-3' }]],
    [
      'networkctl-252.txt',
      [
        { link: 'enp1s0', name: 'HP ProCurve 2810', does: ['Bridge', 'Router'] },
        { link: 'enp2s0', chassis: '52:54:00:00:01:01', name: 'rhfs23', does: ['Station'] },
      ],
    ],
    [
      'networkctl-257.txt',
      [{ link: 'enp1s0' }, { link: 'enp2s0', chassis: 'c0:91:34:c3:02:00', name: '', does: [] }],
    ],
    ['networkctl-257.json', [{ link: 'enp1s0' }]],
  ];
  for (const [file, expected] of cases)
    it(file, () => {
      expect(parseNeighbors(golden(file))).to.deep.equal(expected.map(heard));
    });

  it('nobody heard is no error', () => {
    expect(parseNeighbors('{"lldp": {}}')).to.deep.equal([]);
    expect(parseNeighbors('{"Neighbors": []}')).to.deep.equal([]);
  });

  it('what a stranger calls itself cannot move a cursor', () => {
    const chassis = (name: string): object => ({
      [name]: {
        id: { type: 'mac', value: '68:b5:99:9f:45:40' },
        capability: [{ type: 'Bri\u001b[2J', enabled: true }],
      },
    });
    const text = JSON.stringify({
      lldp: { interface: [{ eth0: { chassis: chassis('sw\u001b]0;x\u0007\n1') } }] },
    });
    expect(parseNeighbors(text)).to.deep.equal([
      heard({ link: 'eth0', name: 'sw ]0;x 1', does: ['Bri [2J'] }),
    ]);
  });

  for (const bad of ['', 'hello', '{', '{}', '[1]'])
    it(`refuses ${JSON.stringify(bad)}`, () => {
      expect(() => parseNeighbors(bad)).to.throw('lldp');
    });
});

describe('lldp: learnSwitch', () => {
  it('takes the one switch', () => {
    const { record } = learnSwitch([heard()], [rhfs], AT);
    expect(record).to.deep.equal({ name: 'sw-kb-past-2', chassis: '68:b5:99:9f:45:40', ...AT });
  });

  it('ignores what is no switch: a machine of MDB by MAC or by name, and a station', () => {
    const servers = [
      heard({ chassis: rhfs.mac, name: 'localhost' }),
      heard({ chassis: '02:00:00:00:00:01', name: 'RHFS' }),
      heard({ chassis: '02:00:00:00:00:02', name: 'printer', does: ['Station'] }),
    ];
    const { record, ignored } = learnSwitch([...servers, heard()], [rhfs, machine()], AT);
    expect(record.name).to.equal('sw-kb-past-2');
    expect(ignored).to.have.length(3);
    expect(() => learnSwitch(servers, [rhfs], AT)).to.throw('no switch was heard');
  });

  it('does not choose between two', () => {
    const two = [heard(), heard({ link: 'rhfs1', chassis: 'c0:91:34:c3:02:00', name: 'sw-kb-pas-3' })];
    expect(() => learnSwitch(two, [], AT)).to.throw('several switches');
    expect(learnSwitch(two, [], { ...AT, link: 'rhfs1' }).record.name).to.equal('sw-kb-pas-3');
  });

  it('makes a DNS label of any name', () => {
    const nameOf = (name: string): string => learnSwitch([heard({ name })], [], AT).record.name;
    expect(nameOf('HP ProCurve_2810 #1')).to.equal('hp-procurve-2810-1');
    expect(nameOf('SW-1.site.example')).to.equal('sw-1');
    expect(nameOf('')).to.equal('sw-9f4540');
    expect(nameOf('—')).to.equal('sw-9f4540');
  });
});
