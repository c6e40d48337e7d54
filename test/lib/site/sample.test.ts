import { expect } from 'chai';
import { planMachines } from '../../../src/lib/mdb/plan.ts';
import { parseConfig } from '../../../src/lib/site/parse.ts';
import { sampleDraft, sampleMachines, samplePeople, sampleSwitches } from '../../../src/lib/site/sample.ts';
import { renderConfig } from '../../../src/lib/site/write-config.ts';

describe('the sample site', () => {
  const config = parseConfig(renderConfig(sampleDraft), 'prolo.yml');

  it('has 140 machines in two rooms, which fit together', () => {
    const plan = planMachines(
      config,
      [],
      sampleMachines().map((input) => ({ input })),
    );
    expect(plan.create).to.have.length(140);
    expect(new Set(plan.create.map(({ room }) => room))).to.deep.equal(new Set(['pasteur', 'masters']));
    const [gateway] = plan.create.filter(({ hostname }) => hostname === 'gw');
    expect(gateway).to.include({ ip: '192.168.1.254', mtype: 'service' });
    expect(plan.create.map(({ hostname }) => hostname)).to.include.members([
      'rhfs01',
      'rhfs1',
      'rhfs89',
      'pas-r12p08',
      'mas-r05p06',
    ]);
  });

  it('names an RFS for each number that its machines use', () => {
    const aliases = sampleMachines().flatMap(({ aliases = [] }) => aliases);
    for (const { rfs, hfs } of sampleMachines())
      expect(aliases).to.include.members([`rfs${rfs}`, `hfs${hfs}`]);
  });

  it('has 10 switches and 120 people, each once', () => {
    expect(new Set(sampleSwitches().map(({ chassis }) => chassis)).size).to.equal(10);
    expect(new Set(samplePeople().map(({ name }) => name)).size).to.equal(120);
  });
});
