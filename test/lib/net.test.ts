import { expect } from 'chai';
import fc from 'fast-check';
import { formatIp, netmask, parseCidr, parseIp, parseRange } from '../../src/lib/net.ts';

describe('IPv4', () => {
  it('formats what it parsed', () =>
    fc.assert(fc.property(fc.ipV4(), (ip) => formatIp(parseIp(ip)!) === ip)));
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.0.0.1',
    '01.2.3.4',
    '1.2.3.4\n',
    ' 1.2.3.4',
    '1.2.3.x',
    '::1',
  ])
    it(`is not ${JSON.stringify(text)}`, () => expect(parseIp(text)).to.equal(undefined));
  it('networks have no host bits', () => {
    expect(parseCidr('192.168.0.0/23')).to.deep.equal({
      first: parseIp('192.168.0.0'),
      last: parseIp('192.168.1.255'),
      prefix: 23,
    });
    for (const text of ['192.168.1.0/23', '192.168.0.0/33', '192.168.0.0', 'x/8', '1.2.3.4/'])
      expect(parseCidr(text)).to.equal(undefined);
    expect(netmask(23)).to.equal('255.255.254.0');
    expect(netmask(0)).to.equal('0.0.0.0');
  });
  it('ranges include both ends and are not empty', () => {
    expect(parseRange('1.2.3.4-1.2.3.4')).to.deep.equal({
      first: parseIp('1.2.3.4'),
      last: parseIp('1.2.3.4'),
    });
    for (const text of ['1.2.3.4', '1.2.3.4-1.2.3.3', '1.2.3.4-', '1-2-3'])
      expect(parseRange(text)).to.equal(undefined);
  });
});
