import { expect } from 'chai';
import fc from 'fast-check';
import type { Key } from '../../../src/lib/cli/keys.ts';
import { draftOf, readAnswers } from '../../../src/lib/install/wizard/answers.ts';
import type { Facts } from '../../../src/lib/install/wizard/questions.ts';
import { parseRooms, parseWayOut } from '../../../src/lib/install/wizard/read-answer.ts';
import {
  firstState,
  nextState,
  suggestionOf,
  type WizardState,
} from '../../../src/lib/install/wizard/state.ts';
import { formatIp } from '../../../src/lib/net.ts';
import { parseConfig } from '../../../src/lib/site/parse.ts';
import { renderConfig } from '../../../src/lib/site/write-config.ts';

const FACTS: Facts = {
  hostname: 'debian',
  nics: [
    { name: 'enp1s0', mac: '52:54:00:00:00:01', hasCarrier: false },
    { name: 'enp2s0', mac: '52:54:00:00:00:02', hasCarrier: true },
  ],
  nameservers: ['9.9.9.9'],
  hasSite: false,
};

function refusal(text: string, facts = FACTS): string {
  try {
    readAnswers(text, 'a.yml', facts);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

function type(state: WizardState, ...texts: (string | Key)[]): WizardState {
  const keys = texts.flatMap((text): Key[] =>
    typeof text === 'string'
      ? [...(text === '' ? [] : [{ edit: 'insert', text } as const]), { key: 'enter' }]
      : [text],
  );
  return keys.reduce(nextState, state);
}

describe('what a machine is to become', () => {
  it('from a file: what it does not say is what would be suggested', () => {
    const answers = readAnswers('role: gw\nname: finals\nrooms: pasteur=pas\n', 'a.yml', FACTS);
    expect(answers).to.deep.equal({
      role: 'gw',
      hostname: 'gw',
      name: 'finals',
      domain: 'finals',
      interface: 'enp2s0',
      network: '192.168.0.0/23',
      alien: '192.168.250.0/24',
      uplink: 'enp1s0',
      uplinkAddress: 'dhcp',
      forwarders: '9.9.9.9',
      rooms: 'pasteur=pas',
    });
  });

  it('of a host that has its site, only the role is asked', () => {
    const facts = { ...FACTS, hasSite: true, hostname: 'rhfs01' };
    expect(readAnswers('{}', 'a.yml', facts)).to.deep.equal({ role: 'rhfs', hostname: 'rhfs01' });
  });

  it('is refused with the key, and what is expected', () => {
    expect(refusal('rolle: gw\n')).to.equal('answers a.yml: rolle: nobody asks that');
    expect(refusal('role: server\n')).to.match(/role "server": one of gw, rhfs/);
    expect(refusal('interface: eth9\n')).to.equal(
      'answers a.yml: interface "eth9": this machine has enp1s0, enp2s0',
    );
    expect(refusal('', { ...FACTS, nics: [] })).to.match(/not lines such as/);
    expect(refusal('role: gw\n', { ...FACTS, nics: [] })).to.match(/this machine has no NIC at all/);
    expect(refusal('network: 192.168.0.1/23\n')).to.match(/a network such as/);
    expect(refusal('network: 10.0.0.0/30\n')).to.match(/at least 16/);
    expect(refusal('alien: 192.168.1.0/24\n')).to.match(/apart from 192.168.0.0\/23/);
    expect(refusal('uplink: enp2s0\n')).to.match(/the machines are on that one/);
    expect(refusal('uplinkAddress: 10.0.0.2/24 via 10.1.0.1\n')).to.match(/beside it/);
    expect(refusal('forwarders: one.one\n')).to.match(/IPv4 addresses/);
    expect(refusal('rooms: a=x b=x\n')).to.match(/such as/);
    expect(refusal('- gw\n')).to.match(/not lines such as/);
    expect(refusal('role: [gw]\n')).to.match(/one line of text/);
    expect(refusal('a: &a [*a\n')).to.match(/^answers a\.yml: /);
  });

  it('makes a site that is accepted, whatever the network', () => {
    const octet = fc.integer({ min: 0, max: 255 });
    const cidr = fc.tuple(
      fc.integer({ min: 1, max: 223 }),
      octet,
      octet,
      octet,
      fc.integer({ min: 8, max: 28 }),
    );
    fc.assert(
      fc.property(cidr, ([a, b, c, d, prefix]) => {
        const size = 2 ** (32 - prefix);
        const ip = (((a * 256 + b) * 256 + c) * 256 + d) as number;
        const network = `${formatIp(Math.floor(ip / size) * size)}/${prefix}`;
        const alien = a === 172 ? '10.250.0.0/24' : '172.31.0.0/24';
        const text = `network: ${network}\nalien: ${alien}\nuplinkAddress: 100.64.0.2/24 via 100.64.0.1\n`;
        const config = parseConfig(renderConfig(draftOf(readAnswers(text, 'a.yml', FACTS))), 'prolo.yml');
        expect(config.networks.map(({ cidr }) => cidr)).to.deep.equal([network, alien]);
        expect(config.uplinks[0]).to.include({ interface: 'enp1s0', gateway: '100.64.0.1' });
      }),
      { numRuns: 200 },
    );
  });

  it('has SADM’s pools in SADM’s network', () => {
    const { pools, bind } = draftOf(readAnswers('uplink: none\n', 'a.yml', FACTS));
    expect(pools).to.include({ user: '192.168.0.1-192.168.0.253', service: '192.168.1.1-192.168.1.253' });
    expect(bind).to.deep.equal(['127.0.0.1', '192.168.1.254', '192.168.250.254']);
  });

  it('reads a way out, and rooms', () => {
    expect(parseWayOut('10.1.2.3/8 via 10.0.0.1')).to.deep.equal({
      address: '10.1.2.3/8',
      gateway: '10.0.0.1',
    });
    for (const text of [
      '10.1.2.3/8',
      '10.1.2.3/8 via 10.1.2.3',
      '10.1.2.3/8 via 11.0.0.1',
      '10.1.2.3/40 via 10.0.0.1',
    ])
      expect(parseWayOut(text)).to.equal(undefined);
    expect(parseRooms('a=x  b=y')).to.deep.equal({ a: { prefix: 'x' }, b: { prefix: 'y' } });
    for (const text of ['', 'a', 'a=x a=y', 'a=x b=x', 'a=1']) expect(parseRooms(text)).to.equal(undefined);
  });
});

describe('the wizard', () => {
  it('takes what is suggested, asks again after a wrong answer, and goes back', () => {
    const asked = type(firstState(FACTS), '', '', 'Finals');
    expect(asked.question?.key).to.equal('name');
    expect(asked.wrong).to.equal('Finals: small letters, digits and hyphens only');
    const better = type({ ...asked, line: firstState(FACTS).line }, 'finals');
    expect(better.wrong).to.equal(undefined);
    expect(suggestionOf(better)).to.equal('finals');
    const back = type(better, { key: 'older' });
    expect([back.question?.key, back.answers]).to.deep.equal(['name', { role: 'gw', hostname: 'gw' }]);
    expect(type(firstState(FACTS), { key: 'older' }).question?.key).to.equal('role');
  });

  it('asks a server of no site of its own only what it is', () => {
    const state = type(firstState(FACTS), 'monitoring', 'mon');
    expect(state.question).to.equal(undefined);
    expect(state.answers).to.deep.equal({ role: 'monitoring', hostname: 'mon' });
  });

  it('is left by Ctrl-C and by Ctrl-D', () => {
    for (const key of ['interrupt', 'end-of-input'] as const)
      expect(type(firstState(FACTS), { key }).isLeft).to.equal(true);
  });
});
