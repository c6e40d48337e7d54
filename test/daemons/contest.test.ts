import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { start as startContestsync } from '../../src/daemons/contestsync.ts';
import { listApplied, parseApplied } from '../../src/lib/contest/applied.ts';
import { startMode, stopMode } from '../../src/lib/contest/mode.ts';
import { changeMode } from '../../src/lib/contest/table.ts';
import { createUnits } from '../../src/lib/contest/units.ts';
import type { RunningDaemon } from '../../src/lib/http/daemon.ts';
import { signForm } from '../../src/lib/http/signed-form.ts';
import { silentLog } from '../../src/lib/log.ts';
import { startDaemonProcess, type TestProcess } from '../support/processes.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

/** In place of systemctl: a unit is active while its file is there; it writes down what it was told. */
const SYSTEMCTL = `#!/bin/sh
cd "$(dirname "$0")"
case "$1" in
is-active) test -e "$3" ;;
start) echo "start $2" >> told; test "$2" != broken.service || { echo "Unit broken.service not found." >&2; exit 5; }; touch "$2" ;;
stop) echo "stop $2" >> told; rm -f "$2" ;;
esac
`;

describe('the units of a contest', function () {
  this.timeout(60_000);
  let dir: string;
  let systemctl: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'prolo-units-'));
    systemctl = join(dir, 'systemctl');
    writeFileSync(systemctl, SYSTEMCTL);
    chmodSync(systemctl, 0o755);
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  const told = (): string[] =>
    existsSync(join(dir, 'told')) ? readFileSync(join(dir, 'told'), 'utf8').trim().split('\n') : [];
  const units = (...services: string[]) =>
    createUnits({ services, systemctl: [systemctl] } as Parameters<typeof createUnits>[0], silentLog);

  it('are started and stopped once, and one that ends during the contest is started again', async () => {
    const apply = units('a.service', 'b.service');
    for (const phase of ['off', 'waiting', 'on', 'on'] as const) await apply(phase);
    expect(told()).to.deep.equal(['start a.service', 'start b.service']);
    rmSync(join(dir, 'b.service'));
    await apply('on');
    expect(told()).to.have.length(3);
    await apply('off');
    expect(told().slice(3)).to.deep.equal(['stop a.service', 'stop b.service']);
  });

  it('that somebody tries by hand before the contest are left alone', async () => {
    const apply = units('a.service');
    await apply('off');
    writeFileSync(join(dir, 'a.service'), '');
    await apply('off');
    expect(told()).to.deep.equal([]);
  });

  it('one that does not start is named, and keeps no other from it', async () => {
    const error = await units('broken.service', 'a.service')('on').catch((caught: Error) => caught);
    expect((error as Error).message).to.equal('start broken.service: Unit broken.service not found.');
    expect(existsSync(join(dir, 'a.service'))).to.equal(true);
  });

  describe('as a daemon', () => {
    let test: TestSite;
    let contestsync: RunningDaemon;
    let daemon: TestProcess | undefined;
    beforeEach(async () => {
      test = await makeTestSite({ contest: { services: ['a.service'], systemctl: [systemctl] } });
      contestsync = await startContestsync(test.context);
    });
    afterEach(async () => {
      await daemon?.kill();
      await contestsync.close();
      await test.remove();
    });
    const change = async (how: typeof startMode): Promise<void> =>
      void (await changeMode(await test.store(), 'test', (mode) =>
        how(mode, { now: new Date(), by: 'test' }),
      ));
    const until = async (epoch: number, phase: string): Promise<void> => {
      for (let tries = 0; tries < 400; tries++) {
        const [heard] = await listApplied((await test.store()).knex);
        if (heard?.epoch === epoch && heard.phase === phase)
          return expect(heard.problem).to.equal('') && undefined;
        await sleep(25);
      }
      throw new Error(`never ${phase}`);
    };

    it('follow the row through a kill -9 of it', async () => {
      await change(startMode);
      daemon = await startDaemonProcess(test.site.file, 'contest');
      await until(1, 'on');
      await daemon.kill();
      expect(existsSync(join(dir, 'a.service'))).to.equal(true);
      await change(stopMode);
      daemon = await startDaemonProcess(test.site.file, 'contest');
      await until(2, 'off');
      expect(told()).to.deep.equal(['start a.service', 'stop a.service']);
    });

    it('nobody tells contestsync what was applied without the secret, nor nonsense with it', async () => {
      const post = (secret: string, data: string) =>
        fetch(`${contestsync.url}/applied`, {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: signForm(secret, data),
        });
      const right = JSON.stringify({ consumer: 'x', epoch: 1, phase: 'on', problem: '' });
      expect((await post('wrong secret, of sixteen', right)).status).to.equal(403);
      expect((await post(test.site.secret('contestsync.publish'), '{"consumer":"x"}')).status).to.equal(400);
      expect((await post(test.site.secret('contestsync.publish'), right)).status).to.equal(200);
      expect(() => parseApplied(right.replace('x', '../x'))).to.throw('expected consumer');
    });
  });
});
