import { expect } from 'chai';
import type { ProloError } from '../../../../src/lib/errors.ts';
import { checkSeat, type Whereabouts } from '../../../../src/lib/hfs/db/seat.ts';

const LAN = ['192.168.1.254', '127.0.0.1'];
const LOOPBACK = ['127.0.0.1', '::1'];
const seat = { hostname: 'pas-r01p01', ip: '192.168.0.1' };

describe('who may have a home: who sits there', () => {
  const table: [string, string, Whereabouts, readonly string[], string][] = [
    ['the seat that presence names', '192.168.0.1', { seat, caller: 'pas-r01p01' }, LAN, 'yes'],
    ['another machine', '192.168.0.2', { seat, caller: 'pas-r01p02' }, LAN, 'nobody is logged on as jdoe at pas-r01p02 / jdoe is logged on at pas-r01p01'],
    ['a machine, and nobody is logged on', '192.168.0.2', { seat: null, caller: 'pas-r01p02' }, LAN, 'nobody is logged on as jdoe at pas-r01p02 / `prolo presence list` shows who is where'],
    ['a laptop that MDB does not know', '192.168.0.9', { seat, caller: null }, LAN, '192.168.0.9 is no machine of this site'],
    ['a program on the server itself, whose site has other addresses', '127.0.0.1', { seat, caller: null }, LAN, '127.0.0.1 is no machine of this site'],
    ['loopback, where the site is bound to nothing else', '127.0.0.1', { seat, caller: null }, LOOPBACK, 'yes'],
    ['the same, as an IPv6 socket writes it', '::ffff:127.0.0.1', { seat, caller: null }, LOOPBACK, 'yes'],
    ['the same, and nobody is logged on', '127.0.0.1', { seat: null, caller: null }, LOOPBACK, 'nobody is logged on as jdoe / `prolo presence list` shows who is where'],
    ['a machine, at a site that is bound to loopback', '192.168.0.2', { seat, caller: 'pas-r01p02' }, LOOPBACK, 'nobody is logged on as jdoe at pas-r01p02 / jdoe is logged on at pas-r01p01'],
  ]; // prettier-ignore
  for (const [title, ip, whereabouts, bind, expected] of table)
    it(title, () => {
      let said: string;
      try {
        expect(checkSeat('jdoe', ip, whereabouts, bind)).to.deep.equal({ hostname: 'pas-r01p01', ip });
        said = 'yes';
      } catch (error) {
        const { kind, message, hint } = error as ProloError;
        expect(kind).to.equal('forbidden');
        said = `${message} / ${hint}`;
      }
      expect(said).to.satisfy((text: string) => text.startsWith(expected), said);
    });
});
