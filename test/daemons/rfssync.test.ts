import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { start } from '../../src/daemons/rfssync.ts';
import type { RunningDaemon } from '../../src/lib/http/daemon.ts';
import { signForm } from '../../src/lib/http/signed-form.ts';
import { silentLog } from '../../src/lib/log.ts';
import { changeMachines } from '../../src/lib/mdb/machines.ts';
import { keepReporting, tellRunning } from '../../src/lib/rfs/running-report.ts';
import { listRunning } from '../../src/lib/rfs/running.ts';
import { addVersion } from '../../src/lib/rfs/table.ts';
import type { Store } from '../../src/lib/store/store.ts';
import { manifestOf } from '../support/rfs.ts';
import { rejection } from '../support/rejection.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';
import { onBothStores } from '../support/stores.ts';

onBothStores('rfssync, told what machines run', (fresh) => {
  let test: TestSite;
  let store: Store;
  let daemon: RunningDaemon;

  beforeEach(async () => {
    store = await fresh();
    test = await makeTestSite({
      networks: [{ name: 'lan', cidr: '127.0.0.0/24', role: 'machines', gateway: '127.0.0.254' }],
      pools: { user: '127.0.0.1-127.0.0.200', service: '127.0.0.201-127.0.0.250', cluster: 'service' },
    });
    await changeMachines(store, test.site.config, 'test', () => ({
      wishes: [1, 2].map((n) => ({
        input: { hostname: `pc${n}`, mac: `52:54:00:00:00:0${n}`, ip: `127.0.0.${n}` },
      })),
    }));
    for (const version of [1, 2]) await addVersion(store, 'root@gw', manifestOf(version));
    daemon = await start({ ...test.context, store: () => Promise.resolve(store) });
  });
  afterEach(async () => {
    await daemon?.close();
    await test?.remove();
  });
  const rows = async (): Promise<unknown[]> =>
    (await listRunning(store.knex)).map(({ hostname, version, kernel }) => [hostname, version, kernel]);

  /** A form that is sent from some address. */
  const send = (form: string, from: string, headers: Record<string, string> = {}): Promise<string> =>
    new Promise((resolve, reject) => {
      const type = { 'content-type': 'application/x-www-form-urlencoded', ...headers };
      const options = { method: 'POST', headers: type, localAddress: from, agent: false };
      request(`${daemon.url}/running`, options, (answer) => {
        let text = '';
        answer.on('data', (part: Buffer) => (text += part.toString()));
        answer.on('end', () => resolve(`${answer.statusCode} ${text.trim()}`));
      })
        .on('error', reject)
        .end(form);
    });
  const form = (data: unknown, secret = test.site.secret('presencesync.publish')): string =>
    signForm(secret, JSON.stringify(data));
  const report = { version: 1, kernel: '6.1.0' };

  it('believes it of the machine of the address that it comes from, also behind a proxy of this host', async () => {
    await tellRunning(test.site, 1, '6.1.0-18-amd64');
    expect(await rows()).to.deep.equal([['pc1', 1, '6.1.0-18-amd64']]);
    expect(await send(form({ ...report, version: 2 }), '127.0.0.2')).to.equal('200 ok');
    expect(await rows()).to.deep.equal([
      ['pc1', 1, '6.1.0-18-amd64'],
      ['pc2', 2, '6.1.0'],
    ]);
    expect(await send(form(report), '127.0.0.1', { 'x-real-ip': '127.0.0.2' })).to.equal('200 ok');
    expect((await rows())[1]).to.deep.equal(['pc2', 1, '6.1.0']);
    expect(await send(form(report), '127.0.0.3')).to.equal('403 running: 127.0.0.3 is no machine of MDB');
  });

  it('refuses what is no report, is signed by nobody, or names a version that never was', async () => {
    for (const bad of [
      null,
      [],
      {},
      { version: 1 },
      { ...report, version: 0 },
      { ...report, version: 1.5 },
      { ...report, version: '1' },
      { ...report, version: 1e12 },
      { ...report, kernel: 'six one' },
      { ...report, kernel: '6\u001b[2J' },
      { ...report, kernel: 'x'.repeat(65) },
      { ...report, hostname: 'pc2' },
    ])
      expect(await send(form(bad), '127.0.0.1'), JSON.stringify(bad)).to.match(/^400 running: no report/);
    expect(await send(form(report, 'not the secret'), '127.0.0.1')).to.match(/^403 token/);
    expect(await send('data=%7B%7D', '127.0.0.1')).to.match(/^403 token/);
    expect(await rejection(tellRunning(test.site, 9))).to.include({
      message: 'rfssync: running: version 9 never was',
    });
    expect(await rows()).to.deep.equal([]);
  });

  it('writes only what is new', async () => {
    await send(form(report), '127.0.0.1');
    const at = new Date(Date.now() - 60_000).toISOString();
    await store.knex('rfs_running').update({ seen_at: at });
    await send(form(report), '127.0.0.1');
    expect((await listRunning(store.knex))[0]!.seenAt).to.equal(at);
    const old = new Date(Date.now() - 3600_000).toISOString();
    await store.knex('rfs_running').update({ seen_at: old });
    await send(form(report), '127.0.0.1');
    expect((await listRunning(store.knex))[0]!.seenAt > old).to.equal(true);
  });

  it('is told by a machine that booted a version, at once; by another nothing', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'prolo-running-'));
    try {
      const silent = keepReporting(test.site, silentLog, join(dir, 'none'));
      silent.stop();
      writeFileSync(join(dir, 'version'), '2\n');
      const reporting = keepReporting(test.site, silentLog, join(dir, 'version'));
      for (let i = 0; i < 500 && (await rows()).length === 0; i++)
        await new Promise((r) => setTimeout(r, 20));
      reporting.stop();
      expect((await listRunning(store.knex))[0]).to.include({ hostname: 'pc1', version: 2 });
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
