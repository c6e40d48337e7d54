import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse, stringify } from 'yaml';
import { addMissingSecrets, listSecrets } from '../../../src/lib/site/add-secrets.ts';
import { generateSecrets, SECRET_NAMES } from '../../../src/lib/site/secrets.ts';
import { loadSite } from '../../../src/lib/site/site.ts';
import { rejection } from '../../support/rejection.ts';
import { makeTestSite, type TestSite } from '../../support/site.ts';

describe('secrets of a site that was made before they were', () => {
  let test: TestSite;
  beforeEach(async () => (test = await makeTestSite()));
  afterEach(() => test.remove());
  const file = () => join(test.dir, 'secrets.yml');
  const { 'udbsync.seats': _seats, 'rfs.sign': _sign, ...older } = generateSecrets();

  for (const [how, text] of Object.entries({
    'a line each, with a comment and without a last newline': `# ours\n${stringify(older).trimEnd()}`,
    'in braces': JSON.stringify(older),
    'none at all': '',
  }))
    it(`are added, and the others stay: ${how}`, async () => {
      writeFileSync(file(), text);
      const before = (parse(text) ?? {}) as Record<string, string>;
      const added = await addMissingSecrets(test.site);
      expect(added).to.have.members(SECRET_NAMES.filter((name) => !before[name]));
      const after = parse(readFileSync(file(), 'utf8')) as Record<string, string>;
      expect(after)
        .to.include(before)
        .and.have.all.keys(...SECRET_NAMES);
      expect(after['udbsync.seats']).to.match(/^[0-9a-f]{64}$/);
      expect(statSync(file()).mode & 0o777).to.equal(0o600);
      if (how.includes('comment')) expect(readFileSync(file(), 'utf8').startsWith(text)).to.equal(true);
      expect(await addMissingSecrets(test.site)).to.deep.equal([]);
      expect(listSecrets(test.site).every(({ there }) => there)).to.equal(true);
    });

  it('two at once add the same', async () => {
    writeFileSync(file(), stringify(older));
    const all = await Promise.all([addMissingSecrets(test.site), addMissingSecrets(test.site)]);
    expect(all.map(({ length }) => length).sort()).to.deep.equal([0, 2]);
  });

  it('are never made on another host, which would have others than the gateway', async () => {
    writeFileSync(file(), '');
    writeFileSync(test.site.file, 'gateway: gw\n');
    const error = await rejection(addMissingSecrets(loadSite(test.site.file)));
    expect(error).to.include({ kind: 'config' });
    expect(error.message).to.include('secrets of its role');
  });

  it('one that is missing is named, with the way out', () => {
    writeFileSync(file(), stringify(older));
    expect(() => loadSite(test.site.file).secret('udbsync.seats'))
      .to.throw(/udbsync\.seats: not there/)
      .with.property('hint')
      .that.includes('site secrets --add-missing');
  });

  it('a PC has those that count from its own address only', () => {
    const pc = listSecrets(test.site).flatMap(({ name, roles }) => (roles.includes('pc') ? [name] : []));
    expect(pc).to.deep.equal(['udbsync.seats', 'presencesync.publish', 'hfs.shared']);
  });
});
