import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { databaseUrl, loadSite } from '../../../src/lib/site/site.ts';

/** What was thrown. */
function thrown(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('accepted');
}

describe('the files of a site', () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'prolo-files-'))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  const load = (config: string | Buffer, secrets = '{}') => {
    writeFileSync(join(dir, 'prolo.yml'), config);
    writeFileSync(join(dir, 'secrets.yml'), secrets);
    chmodSync(join(dir, 'secrets.yml'), 0o600);
    return loadSite(join(dir, 'prolo.yml'));
  };

  it('a database that is gone is an error, never a new and empty one that wipes DNS and DHCP', () => {
    const site = load('database: sqlite:prolo.db');
    for (const make of [() => undefined, () => writeFileSync(join(dir, 'prolo.db'), '')]) {
      make();
      expect(thrown(() => databaseUrl(site)))
        .to.include({ kind: 'unavailable' })
        .and.have.property('message')
        .that.includes(join(dir, 'prolo.db'));
    }
    rmSync(join(dir, 'prolo.db'));
    expect(databaseUrl(site, { create: true })).to.equal(`sqlite:${join(dir, 'prolo.db')}`);
    expect(existsSync(join(dir, 'prolo.db'))).to.equal(false);
  });

  it('a prolo.yml that is no UTF-8 is refused, not read with other letters', () => {
    const error = thrown(() => load(Buffer.from('netboot: {kernelOptions: caf\xe9}', 'latin1')));
    expect(error).to.include({ kind: 'config' });
    expect(error.message).to.include('not UTF-8');
  });

  it('a secrets.yml that is no YAML is named with its line, and none of its text', () => {
    const site = load('', 'udb.private: "0123456789abcdef\nhfs.shared: x: fedcba9876543210');
    const error = thrown(() => site.secret('udb.private'));
    expect(error).to.include({ kind: 'config' });
    expect(error.message).to.match(/secrets\.yml: line \d+: not YAML$/);
    expect(`${error.stack} ${String(error.cause)}`).to.not.match(/0123456789|fedcba98/);
  });
});
