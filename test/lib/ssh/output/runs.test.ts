import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { KEPT_RUNS, lastFailed, type RunRecord, startRun } from '../../../../src/lib/ssh/runs.ts';
import { rejection } from '../../../support/rejection.ts';
import { makeTestSite, type TestSite } from '../../../support/site.ts';

describe('the log of runs', () => {
  let test: TestSite;
  beforeEach(async () => {
    test = await makeTestSite();
  });
  afterEach(() => test.remove());
  const about = (actor: string) => ({ what: 'run true', hostnames: ['a1', 'a2', 'a3'], actor });
  const read = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as RunRecord;

  it('tells who, what, where and how it ended, to root alone', async () => {
    const run = await startRun(test.site, about('eve@gw'));
    expect(read(run.file)).to.include({ actor: 'eve@gw', what: 'run true', machines: 'a[1-3]', ended: null });
    run.add({ hostname: 'a1', status: 'ok', exitCode: 0, ms: 1 }, { stdoutBytes: 3, stderrBytes: 0 });
    await run.end();
    expect(read(run.file).ended).to.match(/^20\d\d-/);
    expect(read(run.file).results).to.deep.equal([
      { hostname: 'a1', status: 'ok', exitCode: 0, ms: 1, stdoutBytes: 3, stderrBytes: 0 },
    ]);
    expect(statSync(run.file).mode & 0o777).to.equal(0o600);
    expect(statSync(test.site.statePath('ssh/runs')).mode & 0o777).to.equal(0o700);
  });

  it("knows which machines failed in an operator's last run, and whose end a killed one did not see", async () => {
    expect(await rejection(lastFailed(test.site, 'eve@gw'))).to.include({ kind: 'not-found' });
    const eves = await startRun(test.site, about('eve@gw'));
    eves.add({ hostname: 'a1', status: 'ok', ms: 1 });
    eves.add({ hostname: 'a2', status: 'failed', exitCode: 1, ms: 1 });
    eves.add({ hostname: 'a3', status: 'ok', ms: 1 });
    await eves.end();
    const running = await startRun(test.site, about('eve@gw'));
    const bobs = await startRun(test.site, about('bob@gw'));
    await bobs.end();
    expect(await lastFailed(test.site, 'eve@gw')).to.deep.equal(['a2']); // the other one still runs
    expect(await lastFailed(test.site, 'bob@gw')).to.deep.equal(['a1', 'a2', 'a3']);
    const killed = {
      ...read(running.file),
      pid: 0x7ffffff0,
      results: [{ hostname: 'a3', status: 'ok', ms: 1 }],
    };
    await running.end();
    writeFileSync(running.file, JSON.stringify(killed));
    expect(await lastFailed(test.site, 'eve@gw')).to.deep.equal(['a1', 'a2']);
  });

  it(`keeps the newest ${KEPT_RUNS}`, async () => {
    const first = await startRun(test.site, about('eve@gw'));
    await first.end();
    for (let i = 0; i < KEPT_RUNS; i++)
      writeFileSync(
        test.site.statePath('ssh/runs', `20990101T0000${String(i).padStart(4, '0')}Z-x.json`),
        '{}',
      );
    await (await startRun(test.site, about('eve@gw'))).end();
    const names = readdirSync(test.site.statePath('ssh/runs'));
    expect(names.length).to.be.at.most(KEPT_RUNS + 1);
    expect(first.file.split('/').at(-1)).not.to.be.oneOf(names);
  });
});
