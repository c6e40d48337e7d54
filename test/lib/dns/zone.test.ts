import { expect } from 'chai';
import fc from 'fast-check';
import { type DnsRecord, nextSerial, renderZone, type Zone, zoneSerial } from '../../../src/lib/dns/zone.ts';
import { ProloError } from '../../../src/lib/errors.ts';

const zone = (records: DnsRecord[]): Zone => ({
  view: 'normal',
  origin: 'prolo',
  file: 'zones/normal/prolo.zone',
  domain: 'prolo',
  server: 'gw.prolo',
  ttlSeconds: 60,
  records,
});
const record = (name: string, data: string, type: 'A' | 'PTR' = 'A'): DnsRecord => ({
  name,
  type,
  data,
  owner: `machine ${name}`,
});

describe('renderZone', () => {
  it('writes one line a record, whatever a record holds, or refuses it', () => {
    const tricky = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(
          fc.constantFrom('pc', '\n', '\r', ' ', ';', '(', '"', '\\', '$INCLUDE /etc/shadow', '\u2028', '.'),
        )
        .map((parts) => parts.join('')),
    );
    const empty = renderZone(zone([]), 1).text;
    fc.assert(
      fc.property(tricky, tricky, fc.constantFrom('A' as const, 'PTR' as const), (name, data, type) => {
        let text: string;
        try {
          text = renderZone(zone([record(name, data, type)]), 1).text;
        } catch (error) {
          expect(error).to.be.instanceOf(ProloError).with.property('kind', 'bad-input');
          return;
        }
        expect(text.slice(0, empty.length)).to.equal(empty);
        expect(text.slice(empty.length)).to.match(/^[\w.-]+ IN (A|PTR) [\w.-]+\n$/);
      }),
      { numRuns: 2000 },
    );
  });

  it('names in its error whose record it is', () => {
    expect(() => renderZone(zone([record('pc1', '1.2.3.4\nx IN A 6.6.6.6')]), 1)).to.throw(
      ProloError,
      'machine pc1: "1.2.3.4\\nx IN A 6.6.6.6" is not an IPv4 address',
    );
  });

  it('knows whom each line is about', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { maxLength: 50 });
    fc.assert(
      fc.property(names, (all) => {
        const { text, owners } = renderZone(zone(all.map((name) => record(name, '1.2.3.4'))), 7);
        const lines = text.split('\n');
        expect(owners.size).to.equal(all.length);
        for (const [line, owner] of owners)
          expect(lines[line - 1]).to.equal(`${owner.slice(8)} IN A 1.2.3.4`);
      }),
    );
  });

  it('can be asked for its serial', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (serial) => {
        expect(zoneSerial(renderZone(zone([record('pc1', '1.2.3.4')]), serial).text)).to.equal(serial);
      }),
    );
    for (const text of ['', 'no zone', '  99999999999 ; serial', '    4294967296 ; serial'])
      expect(zoneSerial(text)).to.equal(undefined);
  });
});

describe('nextSerial', () => {
  it('is the time, unless that would not be a rise', () => {
    expect(nextSerial(undefined, 1_700_000_000_999)).to.equal(1_700_000_000);
    expect(nextSerial(1_600_000_000, 1_700_000_000_000)).to.equal(1_700_000_000);
    expect(nextSerial(1_700_000_000, 1_700_000_000_000)).to.equal(1_700_000_001);
    expect(nextSerial(1_800_000_000, 1_700_000_000_000)).to.equal(1_800_000_001);
  });

  it('rises as RFC 1982 counts, wherever the clock jumps', () => {
    const serial = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    const time = fc.integer({ min: 0, max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(serial, time, (old, now) => {
        const next = nextSerial(old, now * 1000);
        const step = (next - old + 2 ** 32) % 2 ** 32;
        expect(step).to.be.within(1, 2 ** 31 - 1);
        expect(next).to.be.within(0, 2 ** 32 - 1);
      }),
    );
  });
});
