import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { dhcpPaths, makeKeaFolders } from '../../../src/lib/dhcp/paths.ts';
import { loadSite } from '../../../src/lib/site/site.ts';
import { rejection } from '../../support/rejection.ts';

describe("the DHCP server's folders", () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'prolo-paths-'))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const siteIn = (folder: string) => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'prolo.yml'), '');
    return loadSite(join(folder, 'prolo.yml'));
  };

  it("are Kea's alone", async () => {
    const paths = dhcpPaths(siteIn(dir));
    await makeKeaFolders(paths);
    expect(statSync(join(dir, 'state/dhcp/kea')).mode & 0o777).to.equal(0o750);
  });

  it('too deep for a socket are refused by who makes them, not by who only reads the leases', async () => {
    const paths = dhcpPaths(siteIn(join(dir, 'x'.repeat(100))));
    expect(paths.leases).to.match(/leases\.csv$/);
    const error = await rejection(makeKeaFolders(paths));
    expect(error).to.include({ kind: 'config' });
    expect(error.message).to.include('dhcp.socket');
  });
});
