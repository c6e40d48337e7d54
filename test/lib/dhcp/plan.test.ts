import { expect } from 'chai';
import fc from 'fast-check';
import { planDhcp } from '../../../src/lib/dhcp/plan.ts';
import { ProloError } from '../../../src/lib/errors.ts';
import { formatIp } from '../../../src/lib/net.ts';
import { configOf, goldenConfig, goldenMachines, machine } from './fixtures.ts';

const A = '52:54:00:00:00:01';
const B = '52:54:00:00:00:02';

function planOf(...machines: Parameters<typeof machine>[]) {
  return planDhcp(
    configOf(''),
    machines.map((args) => machine(...args)),
  );
}

function refusalOf(...machines: Parameters<typeof machine>[]): ProloError {
  try {
    planOf(...machines);
  } catch (error) {
    return error as ProloError;
  }
  throw new Error('it was accepted');
}

describe('planDhcp', () => {
  it('puts users, services and aliens on one wire, and what is on another NIC on its own', () => {
    const { wires } = planDhcp(goldenConfig(), []);
    expect(wires.map(({ name, subnets }) => [name, subnets.map((subnet) => subnet.name)])).to.deep.equal([
      ['finals-lan', ['lan', 'guests', 'alien', 'phones']],
      ['finals-wan0', ['uplink']],
    ]);
  });

  it('takes a network without a NIC for one of the other networks', () => {
    const { wires } = planDhcp(configOf(''), []);
    expect(wires).to.have.length(1);
    expect(wires[0]).to.not.have.property('interface');
  });

  it('leaves out a network that another DHCP server serves, and knows its machines as strangers', () => {
    const [wire] = planDhcp(goldenConfig(), goldenMachines()).wires;
    expect(wire!.subnets.map(({ cidr }) => cidr)).to.not.include('192.168.2.0/24');
    expect(wire!.strangers.map(({ hostname }) => hostname)).to.deep.equal(['cl-r01p01']);
  });

  it('orders machines by address, whatever order the feed has', () => {
    const { hosts } = planOf(['b', B, '192.168.0.10'], ['a', A, '192.168.0.9']);
    expect(hosts.map(({ hostname }) => hostname)).to.deep.equal(['a', 'b']);
  });

  it('takes any notation of a MAC, and writes one', () => {
    expect(planOf(['a', '5254.0000.00AB', '192.168.0.1']).hosts[0]!.mac).to.equal('52:54:00:00:00:ab');
  });

  it('never gives a range to an empty network', () => {
    const config = configOf(
      'networks: [{name: lan, cidr: 192.168.0.0/22, role: machines}, {name: up, cidr: 10.0.0.0/8, role: empty, range: 10.0.0.1-10.0.0.9}]',
    );
    expect(planDhcp(config, []).wires[0]!.subnets[1]).to.not.have.property('range');
  });

  for (const [what, args, words] of [
    ['a name with _', ['pas_r01', A, '192.168.0.1'], '"pas_r01"'],
    ['a name with a quote', ['pas"; }', A, '192.168.0.1'], String.raw`"pas\"; }"`],
    ['a name with a newline', ['pas\nhost', A, '192.168.0.1'], String.raw`"pas\nhost"`],
    ['a MAC that is none', ['pas', 'nonsense', '192.168.0.1'], 'machine pas: mac "nonsense"'],
    ['an address that is none', ['pas', A, '192.168.0.300'], 'machine pas: ip "192.168.0.300"'],
  ] as const)
    it(`refuses ${what}, and names the machine`, () => {
      const error = refusalOf([...args]);
      expect(error.kind).to.equal('bad-input');
      expect(error.message).to.include(words);
    });

  it('refuses two machines with one address, naming both', () => {
    const error = refusalOf(['pas', A, '192.168.0.1'], ['alt', B, '192.168.0.1']);
    expect(error.kind).to.equal('refused');
    expect(error.message).to.equal(`machines pas (${A}) and alt (${B}): both have the ip 192.168.0.1`);
  });

  it('refuses what is no record, whatever it is, and takes nothing else into a text', () => {
    const field = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.anything(),
      fc.constant('192.168.0.1'),
      fc.constant(A),
    );
    fc.assert(
      fc.property(
        fc.array(fc.record({ hostname: field, mac: field, ip: field }), { maxLength: 4 }),
        (records) => {
          try {
            for (const host of planDhcp(configOf(''), records as never).hosts)
              expect(Object.values(host).join(' ')).to.match(/^[a-z0-9-]+ [0-9a-f:]{17} [0-9.]+$/);
          } catch (error) {
            expect(error).to.be.instanceOf(ProloError);
          }
        },
      ),
    );
  });

  it('gives each machine an address once, and calls it a stranger on every other wire', () => {
    const config = goldenConfig();
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0xc0a80000, max: 0xc0a8ffff }), { maxLength: 50 }),
        (ips) => {
          const machines = ips.map((ip, i) =>
            machine(`m${i}`, `52:54:00:00:01:${(i + 16).toString(16)}`, formatIp(ip)),
          );
          const { wires, hosts } = planDhcp(config, machines);
          for (const { subnets, strangers } of wires) {
            const here = subnets.flatMap((subnet) => subnet.hosts);
            expect(new Set(here).size).to.equal(here.length);
            if (subnets.some(({ range }) => range)) expect([...here, ...strangers]).to.have.members(hosts);
          }
        },
      ),
    );
  });
});
