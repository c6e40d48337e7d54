import { expect } from 'chai';
import type { MachineRecord } from '../../../src/lib/mdb/record.ts';
import { spareServers } from '../../../src/lib/power/spare.ts';

describe('spareServers', () => {
  const machine = (
    hostname: string,
    mtype: MachineRecord['mtype'],
    n: number,
    aliases = '',
  ): MachineRecord => ({
    hostname,
    aliases,
    ip: `192.168.1.${n}`,
    mac: `52:54:00:00:00:0${n}`,
    rfs: 0,
    hfs: 0,
    mtype,
    room: 'pasteur',
    is_faulty: false,
    is_faulty_details: '',
  });
  const machines = [
    machine('gw', 'service', 1, 'mdb,udb'),
    machine('rhfs01', 'service', 2),
    machine('pas-r01p01', 'user', 3),
    machine('pas-r01p02', 'orga', 4),
    machine('node1', 'cluster', 5),
  ];
  const keep = (...words: string[]) =>
    spareServers(machines, words, 'gw')
      .kept.map(({ hostname }) => hostname)
      .join(' ');
  const pcs = 'pas-r01p01 pas-r01p02 node1';

  it('keeps the servers out of groups and patterns', () => {
    for (const words of [['@all'], ['@room:pasteur'], ['@mtype:service', '@all'], ['*'], ['gw,@all'], []])
      expect(keep(...words)).to.equal(pcs);
  });

  it('takes those that are named, however', () => {
    for (const word of ['gw', 'GW', 'mdb', '192.168.1.1', '52:54:00:00:00:01', 'gw,pas-r01p01'])
      expect(keep('@all', word)).to.equal(`gw ${pcs}`);
    expect(keep('rhfs[01,23]')).to.equal(`rhfs01 ${pcs}`);
  });

  it('knows the gateway whatever its type', () => {
    const gateway = [machine('gate', 'orga', 1, 'gw')];
    expect(spareServers(gateway, ['@all'], 'gw').kept).to.deep.equal([]);
    expect(spareServers(gateway, ['gate'], 'gw').spared).to.deep.equal([]);
  });
});
