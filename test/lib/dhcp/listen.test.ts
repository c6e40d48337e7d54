import { expect } from 'chai';
import { listenOn } from '../../../src/lib/dhcp/listen.ts';
import { planDhcp } from '../../../src/lib/dhcp/plan.ts';
import { configOf } from './fixtures.ts';

const gateway = new Map([
  ['lo', ['127.0.0.1']],
  ['lan0', ['10.0.0.7', '192.168.250.254', '192.168.1.254']],
  ['wan0', ['163.5.0.1']],
]);
const listen = (yaml: string, addresses = gateway) =>
  listenOn(configOf(yaml), planDhcp(configOf(yaml), []), addresses);

describe('listenOn', () => {
  it("finds the NIC with the gateway's addresses, and takes one of them", () => {
    expect(listen('')).to.deep.equal({ interfaces: ['lan0/192.168.1.254'], nic: 'lan0' });
  });
  it('listens everywhere where none has them', () => {
    expect(listen('', new Map([['lo', ['127.0.0.1']]]))).to.deep.equal({ interfaces: ['*'] });
  });
  it('takes what the config names, with an address where it has one', () => {
    expect(listen('dhcp: {interfaces: [lan0, br9]}')).to.deep.equal({
      interfaces: ['lan0/192.168.1.254', 'br9'],
    });
    expect(listen('dhcp: {interfaces: [br0/192.168.77.1]}')).to.deep.equal({
      interfaces: ['br0/192.168.77.1'],
      nic: 'br0',
    });
  });
  it('leaves out the NIC that has empty networks only', () => {
    const networks = `networks:
      - {name: lan, cidr: 192.168.0.0/22, role: machines, gateway: 192.168.1.254, interface: lan0}
      - {name: uplink, cidr: 163.5.0.0/16, role: empty, interface: wan0}`;
    expect(listen(networks)).to.deep.equal({ interfaces: ['lan0/192.168.1.254'], nic: 'lan0' });
  });
});
