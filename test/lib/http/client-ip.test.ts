import { expect } from 'chai';
import { clientIp } from '../../../src/lib/http/client-ip.ts';

describe('who asks', () => {
  for (const [title, peer, header, expected] of [
    ['a caller from the LAN', '192.168.0.7', undefined, '192.168.0.7'],
    ['whom the proxy of this host names', '127.0.0.1', '192.168.250.3', '192.168.250.3'],
    ['the same over IPv6', '::1', '192.168.250.3', '192.168.250.3'],
    ['a caller that only says to be somebody', '192.168.250.3', '127.0.0.1', '192.168.250.3'],
    ['an IPv4 address as IPv6 writes it', '::ffff:192.168.0.7', undefined, '192.168.0.7'],
    ['this host, where the header is nonsense', '127.0.0.1', 'x\ny', '127.0.0.1'],
  ] as const)
    it(`is ${title}`, () => expect(clientIp(peer, header)).to.equal(expected));
});
