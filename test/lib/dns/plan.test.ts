import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { stringify } from 'yaml';
import type { DnsMachine } from '../../../src/lib/dns/hosts.ts';
import { renderNamedConf, renderRndcConf } from '../../../src/lib/dns/named-conf.ts';
import { planDns, type View } from '../../../src/lib/dns/plan.ts';
import { renderZone } from '../../../src/lib/dns/zone.ts';
import { parseConfig } from '../../../src/lib/site/parse.ts';
import type { Config } from '../../../src/lib/site/schema.ts';

const golden = (name: string): string =>
  readFileSync(new URL(`../../golden/dns/${name}`, import.meta.url), 'utf8');
const site = (config: object = {}): Config => parseConfig(stringify(config), 'prolo.yml');
const machine = (hostname: string, ip: string, aliases = ''): DnsMachine => ({ hostname, ip, aliases });

function lines(view: View | undefined, origin: string): string[] {
  const records = view?.zones.find((zone) => zone.origin === origin)?.records ?? [];
  return records.map(({ name, type, data }) => `${name} ${type} ${data}`);
}

/** The views by name. */
function views(config: Config, machines: DnsMachine[]): Record<string, View> {
  return Object.fromEntries(planDns(config, machines).views.map((view) => [view.name, view]));
}

describe('planDns', () => {
  describe('of the golden site', () => {
    const config = parseConfig(golden('site.yml'), 'site.yml');
    const plan = planDns(config, JSON.parse(golden('machines.json')) as DnsMachine[]);

    it('has nothing to complain about', () => expect(plan.problems).to.deep.equal([]));
    for (const zone of plan.views.flatMap((view) => view.zones))
      it(`says of ${zone.origin} in the view ${zone.view} what it should`, () => {
        expect(renderZone(zone, 1_400_000_000).text).to.equal(golden(`${zone.view}-${zone.origin}.zone`));
      });
    it('renders the whole named.conf and rndc.conf', () => {
      expect(renderNamedConf(config, '/var/lib/prolo/dns', plan.views)).to.equal(golden('named.conf'));
      expect(renderRndcConf(config, '/var/lib/prolo/dns')).to.equal(golden('rndc.conf'));
    });
  });

  it('is the same in whatever order the machines come', () => {
    const machines = ['b', 'a', 'c'].map((name, i) =>
      machine(name, `192.168.0.${i + 1}`, `${name}1,${name}2`),
    );
    const config = parseConfig(golden('site.yml'), 'site.yml');
    const wanted = planDns(config, machines);
    fc.assert(
      fc.property(fc.shuffledSubarray(machines, { minLength: 3 }), (shuffled) => {
        expect(planDns(config, shuffled)).to.deep.equal(wanted);
      }),
    );
  });

  it('leaves out what is no name, is taken, or has no address, and nothing else', () => {
    const { views: all, problems } = planDns(site(), [
      machine('pas_r01', '192.168.0.1', 'fine'),
      machine('good', '192.168.0.2', 'also-good,bad_one,web'),
      machine('web', '192.168.0.3'),
      machine('lost', '192.168.0.300'),
      machine('x\ny IN A 6.6.6.6 ;', '192.168.0.4'),
      { hostname: 7, aliases: null, ip: {} } as unknown as DnsMachine,
    ]);
    const names = lines(all.at(-1), 'prolo').filter((line) => !line.startsWith('alien-'));
    expect(names).to.deep.equal([
      'good A 192.168.0.2',
      'also-good A 192.168.0.2',
      'web A 192.168.0.2',
      'gw A 192.168.1.254',
      'gw.cluster A 192.168.2.254',
      'gw.alien A 192.168.250.254',
    ]);
    expect(problems).to.deep.equal([
      'machine 7: its name is not a DNS name; left out',
      'machine 7: ip {} is not an IPv4 address; left out',
      'machine "good": alias "bad_one" is not a DNS name; left out',
      'machine "lost": ip "192.168.0.300" is not an IPv4 address; left out',
      'machine "pas_r01": its name is not a DNS name; left out',
      'machine "web": its name is in use; left out',
      'machine "x\\ny IN A 6.6.6.6 ;": its name is not a DNS name; left out',
    ]);
  });

  it('renders zones of one line a name, whatever the feed holds', () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('pc1', 'pc2', '192.168.0.1', '10.9.9.9', 'a,b', 'a\nb'),
    );
    const config = parseConfig(golden('site.yml'), 'site.yml');
    const record = fc.record({ hostname: value, aliases: value, ip: value });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 5 }), (records) => {
        const plan = planDns(config, records as unknown as DnsMachine[]);
        for (const zone of plan.views.flatMap((view) => view.zones)) {
          const { text } = renderZone(zone, 1);
          const body = text.split('\n').slice(11, -1);
          expect(body.length).to.equal(zone.records.length);
          for (const line of body) expect(line).to.match(/^[a-z0-9.-]+ IN (A [\d.]+|PTR [a-z0-9.-]+\.)$/);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('believes MDB before the names that it makes up', () => {
    const { normal } = views(site(), [
      machine('gate', '192.168.1.254', 'gw'),
      machine('alien-7', '192.168.0.7'),
      machine('guest', '192.168.250.9'),
    ]);
    const names = lines(normal, 'prolo');
    expect(names.filter((line) => line.startsWith('gw '))).to.deep.equal(['gw A 192.168.1.254']);
    expect(names.filter((line) => line.startsWith('alien-7 '))).to.deep.equal(['alien-7 A 192.168.0.7']);
    expect(lines(normal, '1.168.192.in-addr.arpa')).to.include('254 PTR gate.prolo');
    const aliens = lines(normal, '250.168.192.in-addr.arpa');
    expect(aliens).to.include('9 PTR guest.prolo').and.to.include('8 PTR alien-8.prolo');
    expect(aliens.some((line) => line.startsWith('7 '))).to.equal(false);
  });

  it('shows aliens the way to netboot, whatever the config calls it, and no machine', () => {
    const config = site({ netboot: { url: 'http://boot.prolo:20020' } });
    const { alien } = views(config, [machine('web', '192.168.1.1', 'mdb')]);
    expect(lines(alien, 'prolo')).to.deep.equal([
      'gw A 192.168.250.254',
      'netboot A 192.168.250.254',
      'boot A 192.168.250.254',
    ]);
    expect(lines(alien, '250.168.192.in-addr.arpa')).to.have.length(254);
    expect(alien!.zones.map(({ origin }) => origin)).to.deep.equal(['prolo', '250.168.192.in-addr.arpa']);
    expect(alien).to.deep.include({ recursion: false, clients: ['192.168.250.0/24'] });
  });

  it('gives each further alien network a view with a gateway that it can reach', () => {
    const networks = [
      { name: 'lan', cidr: '192.168.0.0/22', role: 'machines', gateway: '192.168.1.254' },
      { name: 'one', cidr: '10.1.0.0/24', role: 'alien', gateway: '10.1.0.254', range: '10.1.0.5-10.1.0.5' },
      { name: 'two', cidr: '10.2.0.0/16', role: 'alien', gateway: '10.2.0.1', range: '10.2.3.4-10.2.3.4' },
    ];
    const all = views(site({ networks }), []);
    expect(Object.keys(all)).to.deep.equal(['alien', 'alien-two', 'normal']);
    expect(lines(all['alien-two'], 'prolo')).to.include('netboot A 10.2.0.1');
    expect(lines(all['alien-two'], '2.10.in-addr.arpa')).to.include('4.3 PTR alien-3-4.two.prolo');
    expect(lines(all.normal, 'prolo'))
      .to.include('alien-5 A 10.1.0.5')
      .and.to.include('alien-3-4.two A 10.2.3.4');
  });

  it('has a reverse zone for every /24 of a network, and larger ones for a larger network', () => {
    const zones = (cidr: string, ip: string): { origins: string[]; pointer: string | undefined } => {
      const networks = [{ name: 'lan', cidr, role: 'machines' }];
      const pools = Object.fromEntries(['user', 'service', 'cluster'].map((mtype) => [mtype, `${ip}-${ip}`]));
      const { normal } = views(site({ networks, pools }), [machine('pc1', ip)]);
      const [, ...reverse] = normal!.zones;
      const pointer = reverse.flatMap((zone) => zone.records.map(({ name }) => `${name}.${zone.origin}`));
      return { origins: reverse.map(({ origin }) => origin), pointer: pointer[0] };
    };
    const arpa = (parts: string): string => `${parts}.in-addr.arpa`;
    expect(zones('172.16.0.0/22', '172.16.3.9')).to.deep.equal({
      origins: ['0', '1', '2', '3'].map((n) => arpa(`${n}.16.172`)),
      pointer: arpa('9.3.16.172'),
    });
    expect(zones('172.16.5.64/26', '172.16.5.70')).to.deep.equal({
      origins: [arpa('5.16.172')],
      pointer: arpa('70.5.16.172'),
    });
    expect(zones('172.16.0.0/15', '172.17.3.9')).to.deep.equal({
      origins: [arpa('16.172'), arpa('17.172')],
      pointer: arpa('9.3.17.172'),
    });
    expect(zones('10.0.0.0/8', '10.1.2.3')).to.deep.equal({
      origins: [arpa('10')],
      pointer: arpa('3.2.1.10'),
    });
  });

  it('says which machine gets no reverse name', () => {
    const { problems, views: all } = planDns(site(), [machine('pc1', '203.0.113.5')]);
    expect(problems).to.deep.equal([
      'machine "pc1": ip 203.0.113.5 is in no network; it gets no reverse name',
    ]);
    expect(lines(all.at(-1), 'prolo')).to.include('pc1 A 203.0.113.5');
  });
});

describe('renderNamedConf', () => {
  it('refuses a folder that could end its string', () => {
    for (const dir of ['/a"; include "/etc/shadow', '/a\\', '/a\nb'])
      expect(() => renderNamedConf(site(), dir, [])).to.throw('dns.dir');
  });

  it('listens where the config says, and forwards to nobody by default', () => {
    const text = renderNamedConf(site({ dns: { listen: ['127.0.0.1'], port: 5353 } }), '/dns', []);
    expect(text).to.match(/listen-on port 5353 \{\s+127\.0\.0\.1;\s+\}/);
    expect(text).not.to.include('forwarders');
  });
});
