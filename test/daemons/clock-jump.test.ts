import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { silentLog } from '../../src/lib/log.ts';
import { tellPresence } from '../../src/lib/presence/client.ts';
import { listPresence } from '../../src/lib/presence/table.ts';
import { keepClock, tellOnTime } from '../../src/lib/seat/clock.ts';
import { askMdb } from '../../src/lib/seat/identity.ts';
import { auditLines, fillSite } from '../lib/presence/support.ts';
import { startDaemonProcess, type TestProcess } from '../support/processes.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';
import { needs } from '../support/needs.ts';

const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';
const TIMEOUT_S = 4;
/** How often a seat says that it is there. */
const BEAT_MS = 1000;

describe('a gateway whose clock is set', function () {
  this.timeout(60_000);
  let test: TestSite;
  let gateway: TestProcess;
  const now = Date.now;
  /** Of the seats' clocks: this process is all of them. */
  let offMs = 0;
  const setGateway = (seconds: number): void =>
    writeFileSync(join(test.dir, 'clock'), `${seconds < 0 ? '' : '+'}${seconds}\n`);
  const look = async (): Promise<void> => {
    const { clockOffSeconds } = await askMdb(test.site, ['127.0.0.1']);
    const setClock = (ms: number): Promise<void> => Promise.resolve(void (offMs = ms - now()));
    await keepClock({ setClock }, silentLog, clockOffSeconds, Date.now);
  };
  const tell = async (verb: 'login' | 'heartbeat', n: number): Promise<number> => {
    const pair = { login: `u${n}`, hostname: `m${n}` };
    return (await tellOnTime(() => tellPresence(test.site, verb, pair), look)).status;
  };
  const online = async (): Promise<string[]> =>
    (await listPresence((await test.store()).knex)).map(({ login }) => login).sort();

  before(async function () {
    needs(this, { [LIBRARY]: 'libfaketime' });
    test = await makeTestSite({ presence: { timeoutSeconds: TIMEOUT_S } });
    await fillSite(test.site, await test.store(), 6);
    setGateway(0);
    const fake = {
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: join(test.dir, 'clock'),
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
    Object.assign(process.env, fake);
    const starting = startDaemonProcess(test.site.file, 'mdb', 'presencesync');
    for (const name of Object.keys(fake)) delete process.env[name];
    gateway = await starting;
    Date.now = () => now() + offMs;
  });
  after(async () => {
    Date.now = now;
    await gateway?.kill();
    await test?.remove();
  });

  for (const [seconds, what, n] of [
    [3600, 'an hour forward', 4],
    [-3600, 'and two hours back', 5],
  ] as const)
    it(`${what}: who is heard of stays, and who is not goes in time`, async () => {
      for (const one of [1, 2, 3, n]) expect(await tell('login', one)).to.equal(200);
      setGateway(seconds);
      await sleep(1_500); // the head of an answer says the time of up to a second ago
      for (let beat = 0; beat < TIMEOUT_S * 2; beat++) {
        for (const one of [1, 2, 3]) expect(await tell('heartbeat', one)).to.equal(200);
        await sleep(BEAT_MS);
      }
      expect(Math.round(offMs / 1000)).to.be.closeTo(seconds, 2);
      expect(await online()).to.deep.equal(['u1', 'u2', 'u3']);
      const expired = (await auditLines(await test.store())).filter((line) => line.includes('expired'));
      expect(expired.at(-1)).to.include(`u${n} at m${n}`);
      expect(expired).to.have.length(n - 3);
    });
});
