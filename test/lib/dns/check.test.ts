import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createRunProgram } from '../../../src/lib/apply/programs.ts';
import { checkConf, checkZone } from '../../../src/lib/dns/check.ts';
import { renderRndcKey } from '../../../src/lib/dns/named-conf.ts';
import { type DnsRecord, renderZone } from '../../../src/lib/dns/zone.ts';
import { parseConfig } from '../../../src/lib/site/parse.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { needs } from '../../support/needs.ts';
import { rejection } from '../../support/rejection.ts';

describe('the checkers of BIND', () => {
  const golden = new URL('../../golden/dns/', import.meta.url).pathname;
  const options = { runProgram: createRunProgram('required', silentLog) };
  const { checkzone } = parseConfig('', 'prolo.yml').dns;
  let dir: string;
  before(function () {
    needs(this, { 'named-checkzone': 'bind9-utils', 'named-checkconf': 'bind9-utils' });
  });
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'prolo-check-'))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  async function check(records: DnsRecord[]): Promise<void> {
    const zone = {
      view: 'normal',
      origin: 'prolo',
      file: '',
      domain: 'prolo',
      server: 'gw.prolo',
      ttlSeconds: 60,
    };
    const rendered = renderZone({ ...zone, records: [record('gw', '10.0.0.1'), ...records] }, 1);
    const path = join(dir, 'prolo.zone');
    writeFileSync(path, rendered.text);
    await checkZone(checkzone, { ...zone, path, owners: rendered.owners }, options);
  }
  const record = (name: string, data: string, owner = `machine ${name}`): DnsRecord => ({
    name,
    type: 'A',
    data,
    owner,
  });

  it('accept every golden zone', async () => {
    const files = readdirSync(golden).filter((file) => file.endsWith('.zone'));
    expect(files).to.have.length(7);
    for (const file of files) {
      const [view = '', origin = ''] = [
        file.split('-')[0],
        file.slice(file.indexOf('-') + 1, -'.zone'.length),
      ];
      await checkZone(checkzone, { origin, view, path: join(golden, file), owners: new Map() }, options);
    }
  });

  it('accept the golden named.conf, and refuse a broken one by its own name', async () => {
    const text = readFileSync(join(golden, 'named.conf'), 'utf8').replaceAll('/var/lib/prolo/dns', dir);
    writeFileSync(join(dir, 'rndc.key'), renderRndcKey('c2VjcmV0IHNlY3JldA=='));
    const path = join(dir, 'staged.conf');
    writeFileSync(path, text);
    await checkConf(['named-checkconf'], path, options);
    writeFileSync(path, text.replace('notify no;', 'notify perhaps;'));
    const error = await rejection(checkConf(['named-checkconf'], path, options));
    expect(error).to.have.property('kind', 'refused');
    expect(error.message).to.match(/^named\.conf: named\.conf:\d+: .*perhaps/);
  });

  it('refuse a name with _, and the error names the machine', async () => {
    const error = await rejection(
      check([record('pc1', '10.0.0.2'), record('pas_r01', '10.0.0.3'), record('pc3', '10.0.0.4')]),
    );
    expect(error).to.have.property('kind', 'refused');
    expect(error.message).to.equal(
      'zone prolo (view normal): machine pas_r01: pas_r01.prolo: bad owner name (check-names)',
    );
  });

  it('refuse a name that is too long, and the error names every such machine', async () => {
    const long = Array(5).fill('x'.repeat(60)).join('.');
    const error = await rejection(
      check([record(long, '10.0.0.2', 'machine one'), record(`b${long}`, '10.0.0.3', 'machine two')]),
    );
    expect(error.message).to.match(/machine one: .*; machine two: /);
  });

  it('that say nothing of a line are quoted', async () => {
    const path = join(dir, 'prolo.zone');
    writeFileSync(path, '@ 60 IN SOA gw hostmaster 1 60 60 60 60\n');
    const zone = { origin: 'prolo', view: 'normal', path, owners: new Map() };
    const error = await rejection(checkZone(checkzone, zone, options));
    expect(error.message).to.include('zone prolo/IN: has no NS records');
  });
});
