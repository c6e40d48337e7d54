import { expect } from 'chai';
import { blamed, refusal } from '../../../src/lib/dhcp/blame.ts';

const pas = { hostname: 'pas-r01p01', mac: '52:54:00:00:00:01', ip: '192.168.0.1' };
const alt = { hostname: 'alt-r01p01', mac: '52:54:00:00:00:02', ip: '192.168.0.10' };
const text = `{\n"reservations": [\n{ "hw-address": "${pas.mac}" },\n{ "hw-address": "${alt.mac}" }\n]\n}`;
const names = (words: string): string[] => blamed(words, [pas, alt], text).map(({ hostname }) => hostname);

describe('a refusal', () => {
  for (const [what, words, expected] of [
    [
      "Kea's, by the MAC",
      "failed to add new host using the HW address '52:54:00:00:00:02' to the IPv4 subnet id '3232235520' as this host has already been added (<wire>:0:1627)",
      ['alt-r01p01'],
    ],
    [
      "Kea's, by the address, and not by one that begins alike",
      "specified reservation '192.168.0.1' is not within the IPv4 subnet '192.168.0.0/23'",
      ['pas-r01p01'],
    ],
    ["Kea's, by the line of what came over its socket", 'got a wrong hostname (<wire>:3:5)', ['alt-r01p01']],
    ["Kea's, by the line of a file", 'got a wrong hostname (/etc/kea/kea-dhcp4.conf:3:5)', ['pas-r01p01']],
    ["dhcpd's, by the name", 'hosts.conf line 10: host alt-r01p01: already exists', ['alt-r01p01']],
    ["dhcpd's, by the line", 'hosts.conf line 4: semicolon expected.', ['alt-r01p01']],
    ['of nobody', "unable to open '/x': no such file", []],
  ] as const)
    it(what, () => expect(names(words)).to.deep.equal(expected));

  it('is an error that names the machine, in one line', () => {
    const error = refusal(
      'kea config-test',
      `the HW address '${pas.mac}'\nhas already been added`,
      [pas, alt],
      text,
    );
    expect(error.kind).to.equal('refused');
    expect(error.message).to.equal(
      `machine pas-r01p01 (${pas.mac}, 192.168.0.1): kea config-test refuses: the HW address '${pas.mac}' has already been added`,
    );
  });

  it('of a NIC that is not there yet is worth another attempt', () => {
    const words = "Failed to select interface: interface 'lan0' doesn't exist in the system";
    expect(refusal('kea-dhcp4', words, [pas], text).kind).to.equal('failed');
  });
});
