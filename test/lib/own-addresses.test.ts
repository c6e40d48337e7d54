import { expect } from 'chai';
import { localAddresses, ownAddresses } from '../../src/lib/own-addresses.ts';

describe('the addresses of this host', () => {
  it('are told by the kernel, whether a cable is plugged in or not', () => {
    const trie = `Local:
  +-- 0.0.0.0/0 3 0 4
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
           |-- 127.255.255.255
              /32 link BROADCAST
     |-- 192.168.1.254
        /32 host LOCAL
`;
    expect(localAddresses(trie)).to.deep.equal(['127.0.0.1', '192.168.1.254']);
    expect(ownAddresses().has('127.0.0.1')).to.equal(true);
  });
});
