import { expect } from 'chai';
import { renderTemplate } from '../../src/lib/template.ts';
import { ProloError } from '../../src/lib/errors.ts';

describe('a template', () => {
  const refusal = (name: string, data: object): string => {
    try {
      renderTemplate(name, data);
    } catch (error) {
      if (error instanceof ProloError) return error.message;
    }
    return 'none';
  };
  const uplink = { interface: 'wan0', address: '10.9.0.2/24', gateway: '10.9.0.1', metric: 100 };

  it('whose value is missing, or is nothing, is refused with the name of both', () => {
    expect(renderTemplate('install/network/uplink.network', uplink)).to.include('Gateway=10.9.0.1\n');
    const { gateway: _, ...rest } = uplink;
    for (const data of [rest, { ...rest, gateway: null }])
      expect(refusal('install/network/uplink.network', data)).to.equal(
        'template install/network/uplink.network: it.gateway: has no value',
      );
  });
  it('is refused where a whole list is missing', () =>
    expect(refusal('install/chrony-server.conf', {})).to.match(/^template install\/chrony-server.conf: /));
  it('may ask whether there is a value', () => {
    const { address: _, gateway: __, ...dhcp } = uplink;
    expect(renderTemplate('install/network/uplink.network', dhcp)).to.include('DHCP=ipv4\n');
  });
  it('shows numbers, also 0', () =>
    expect(renderTemplate('install/network/uplink.network', { ...uplink, metric: 0 })).to.include(
      'Metric=0\n',
    ));
});
