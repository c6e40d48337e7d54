import { expect } from 'chai';
import { bootstrapUrl } from '../../../src/lib/dhcp/boot-options.ts';
import { configOf } from './fixtures.ts';

const ALIEN = '192.168.250.254';
const LAN = '192.168.1.254';
const url = (yaml: string, alien: boolean): string =>
  bootstrapUrl(configOf(yaml), alien, alien ? ALIEN : LAN);

describe('bootstrapUrl', () => {
  for (const [what, yaml, known, alien] of [
    ['keeps the name that both views have', '', 'http://netboot/bootstrap', 'http://netboot/bootstrap'],
    [
      'keeps the full name too',
      'netboot: {url: "http://netboot.prolo:20020/"}',
      'http://netboot.prolo:20020/bootstrap',
      'http://netboot.prolo:20020/bootstrap',
    ],
    [
      'gives aliens the address for a name that they cannot resolve',
      'netboot: {url: "http://boot.prolo:81"}',
      'http://boot.prolo:81/bootstrap',
      `http://${ALIEN}:81/bootstrap`,
    ],
    [
      "gives aliens the gateway's address on their network",
      'serviceUrl: "http://192.168.1.254:{port}"',
      'http://192.168.1.254:20020/bootstrap',
      `http://${ALIEN}:20020/bootstrap`,
    ],
    [
      'sends nobody to its own loopback',
      'serviceUrl: "http://127.0.0.1:{port}"',
      `http://${LAN}:20020/bootstrap`,
      `http://${ALIEN}:20020/bootstrap`,
    ],
    [
      'leaves an address alone that is not the gateway',
      'netboot: {url: "http://10.1.2.3"}',
      'http://10.1.2.3/bootstrap',
      'http://10.1.2.3/bootstrap',
    ],
  ] as const)
    it(what, () => {
      expect(url(yaml, false)).to.equal(known);
      expect(url(yaml, true)).to.equal(alien);
    });

  it('refuses one that fits no packet', () => {
    expect(() => url(`netboot: {url: "http://10.1.2.3/${'x'.repeat(110)}"}`, false)).to.throw(
      /too long for a DHCP packet/,
    );
  });
});
