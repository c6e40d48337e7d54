import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Guest } from '../../src/lib/lab/guest.ts';
import { type HomesLab, needsGuests, PRESENCE_SECONDS, startHomesLab } from '../support/guests.ts';
import { eventually, STEP_MS } from '../support/lab.ts';
import {
  lastWritten,
  logIn,
  logInAtConsole,
  logOut,
  openSession,
  startWriter,
} from '../support/seat-session.ts';

const MIB = 1024 ** 2;
/** Generous: what is emulated takes many times as long where others use the processor too. */
const READY_MS = 15_000;
/** Of a shell of somebody's own. */
const PROMPT = /[$] $/;
const MOVED_MS = 2 * STEP_MS;

describe('homes on virtual PCs', function () {
  this.timeout(4 * STEP_MS);
  let lab: HomesLab;
  /** Their nearest home file servers are 0 and 1. */
  let here: Guest;
  let there: Guest;
  before(async function () {
    needsGuests(this);
    lab = await startHomesLab();
    [here, there] = await Promise.all([lab.plug('pas-r01p01'), lab.plug('pas-r03p01')]);
  });
  after(() => lab?.stop());
  afterEach(async function () {
    // Also of a test that will be tried again, which has no state yet.
    if (this.currentTest?.state !== 'passed') console.log(await lastWords());
  });

  /** The end of each log, of the seats' own daemons too. */
  async function lastWords(): Promise<string> {
    const logs = [here, there].map(async (guest) => {
      const { stdout } = await guest
        .run('tail -n 15 /var/log/presenced.log', 10_000)
        .catch(() => ({ stdout: '' }));
      return `${guest.name}: presenced\n${stdout}`;
    });
    return [lab.lastWords(), ...(await Promise.all(logs))].join('\n');
  }

  /** Prints what was measured below the test's name. */
  const report = (text: string): void => console.log(`      ${text}`);

  async function untilAt(login: string, hfs: number): Promise<void> {
    const home = await eventually(
      () => lab.home(login),
      (row) => row?.state === 'here' && row.hfs === hfs,
      MOVED_MS,
    );
    expect(home).to.include({ state: 'here', hfs });
  }

  it('a contestant logs in, writes a file, logs out, and has it at a seat of another server', async () => {
    const created = await logIn(here, 'zmartin');
    await here.ok('su zmartin -c "echo mine >/home/zmartin/file && sync /home/zmartin/file"');
    await logOut(here, 'zmartin');
    const moved = await logIn(there, 'zmartin');
    expect(await there.ok('cat /home/zmartin/file; stat -c %U /home/zmartin /home/zmartin/file')).to.equal(
      'mine\nzmartin\nzmartin\n',
    );
    await untilAt('zmartin', 1);
    await logOut(there, 'zmartin');
    report(
      `created and mounted in ${created} ms, elsewhere in ${moved} ms, both for the first time since boot`,
    );
  });

  it('a contest: the file of before until the logout, then an empty home, the file of before again, and that of the contest', async () => {
    const contest = (verb: 'start' | 'stop'): Promise<unknown> => lab.prolo('contest', verb, '--yes');
    const files = async (guest: Guest): Promise<string[]> =>
      (await guest.ok('cd /home/zmartin && ls'))
        .split('\n')
        .filter((name) => !['', 'lost+found'].includes(name));
    const save = (guest: Guest, name: string): Promise<string> =>
      guest.ok(`su zmartin -c "echo ${name} >/home/zmartin/${name} && sync /home/zmartin/${name}"`);

    await logIn(there, 'zmartin');
    await contest('start');
    expect((await openSession(there, 'zmartin')).ok, 'a second way in').to.equal(true);
    expect(await files(there)).to.deep.equal(['file']);
    await save(there, 'late');
    await logOut(there, 'zmartin');

    await logIn(here, 'zmartin');
    expect(await files(here)).to.deep.equal([]);
    await save(here, 'solution');
    await contest('stop');
    await save(here, 'still');
    await logOut(here, 'zmartin');

    await logIn(there, 'zmartin');
    expect(await files(there)).to.deep.equal(['file', 'late']);
    await contest('start');
    await logOut(there, 'zmartin');

    await logIn(there, 'zmartin');
    expect(await files(there)).to.deep.equal(['solution', 'still']);
    await untilAt('zmartin@contest', 1);
    await contest('stop');
    await logOut(there, 'zmartin');
    expect(await lab.home('zmartin'), 'it was in nobody’s way').to.include({ hfs: 1, epoch: 2 });
  });

  for (const { login, mib } of [
    { login: 'zlefevre', mib: 300 },
    { login: 'zmuller', mib: 1900 },
  ])
    it(`a home of 2 GiB that holds ${mib} MiB is there at once at the other seat, and is written to while it moves`, async () => {
      const big = join(lab.skeleton, 'big');
      fill(big, mib);
      await logIn(here, login).finally(() => rmSync(big));
      await logOut(here, login);

      const begunMs = performance.now();
      const readyMs = await logIn(there, login);
      const writer = await startWriter(there, login);
      await untilAt(login, 1);
      const movedMs = Math.round(performance.now() - begunMs);
      const { count, worstMs, error } = await writer.stop();
      expect(error).to.equal('');
      expect(count).to.be.above(0);
      expect(await lastWritten(there, login)).to.be.at.least(count);
      await logOut(there, login);
      report(
        `mounted in ${readyMs} ms; moved after ${movedMs} ms, ${count} flushed writes, the slowest ${worstMs} ms`,
      );
      expect(readyMs).to.be.below(READY_MS);
      // The move ended before the session did, so the home can be looked at where it is now.
      const home = (await lab.home(login))!;
      expect(home.hfs).to.equal(1);
      await lab.untilIdle(login, 1);
      const { stdout, stderr, exitCode } = await lab.run(['e2fsck', '-fn', lab.image(home)], {
        timeoutMs: STEP_MS,
      });
      expect(exitCode, stdout + stderr).to.equal(0);
    });

  it('kill -9 of the server that a home moves to: the move goes on, no write is refused or lost', async () => {
    await logIn(here, 'zmuller');
    const writer = await startWriter(here, 'zmuller');
    expect(await lab.home('zmuller')).to.include({ state: 'moving', target: 0 });
    process.kill(lab.hfs[0]!.pid, 'SIGKILL');
    await lab.hfs[0]!.stop();
    const during = await writer.noted();
    lab.hfs[0] = await lab.startHfs(0);
    await untilAt('zmuller', 0);
    const { count, worstMs, error } = await writer.stop();
    expect(error).to.equal('');
    expect(count).to.be.above(during.count);
    expect(await lastWritten(here, 'zmuller')).to.be.at.least(count);
    await logOut(here, 'zmuller');
    await lab.untilIdle('zmuller', 0);
    report(`${count} flushed writes over the death of the server, the slowest ${worstMs} ms`);
  });

  it('the storage of a home dies under a session: the person is told, nothing is lost, no reboot is needed', async () => {
    const password = lab.password('zmuller');
    await logInAtConsole(there, 'zmuller', password, PROMPT);
    const writer = await startWriter(there, 'zmuller');
    process.kill(lab.record(1, 'zmuller')!.storage.pid, 'SIGKILL');
    await there.console.waitFor(/the storage of your home was lost/i, STEP_MS);
    const { count, error } = await eventually(
      () => writer.noted(),
      (noted) => noted.error !== '',
      STEP_MS,
    );
    expect(error).to.match(/^E(IO|ROFS)$/);
    await logInAtConsole(there, 'zmuller', password, PROMPT);
    expect(await lastWritten(there, 'zmuller')).to.be.at.least(count);
    await there.console.type('exit\r');
    await there.console.waitFor(/login: /, STEP_MS);
    report(`${count} flushed writes, then ${error}; all of them are there`);
  });

  it('a login at the console: a refusal is a sentence, a logout frees the home', async () => {
    const password = lab.password('zpetit');
    await logInAtConsole(here, 'zpetit', password, PROMPT);
    await here.console.type('pwd; echo mine >file; sync file; echo $((40+2))\r');
    await here.console.waitFor(/^\/home\/zpetit\n[^]*42/m, STEP_MS);
    await logInAtConsole(there, 'zpetit', password, /you are logged on at pas-r01p01/);
    await here.console.type('exit\r');
    await here.console.waitFor(/login: /, STEP_MS);
    await logInAtConsole(there, 'zpetit', password, PROMPT);
    await there.console.type('cat file; exit\r');
    await there.console.waitFor(/^mine$/m, STEP_MS);
    await there.console.waitFor(/login: /, STEP_MS);
    expect(await there.ok('cat /proc/mounts')).not.to.contain('zpetit');
  });

  it('the power of a seat is cut: the next login elsewhere takes over within the heartbeat timeout', async () => {
    await logIn(here, 'zdurand');
    await here.ok('echo kept >/home/zdurand/file && sync /home/zdurand/file');
    await here.stop();
    const cutMs = performance.now();
    const refused = await openSession(there, 'zdurand');
    expect(refused.ok).to.equal(false);
    expect(refused.said).to.contain('you are logged on at pas-r01p01');
    const answer = await eventually(
      () => openSession(there, 'zdurand'),
      ({ ok }) => ok,
      STEP_MS,
    );
    const seconds = (performance.now() - cutMs) / 1000;
    expect(answer.said).not.to.contain('refused');
    expect(await there.ok('cat /home/zdurand/file')).to.equal('kept\n');
    await logOut(there, 'zdurand');
    report(`let in after ${seconds.toFixed(1)} s, with a heartbeat timeout of ${PRESENCE_SECONDS} s`);
    here = await lab.plug('pas-r01p01');
  });
});

/** A file whose every block is another, so that nothing is a hole. */
function fill(file: string, mib: number): void {
  const chunk = Buffer.alloc(MIB, 'what a contestant has written ');
  writeFileSync(file, '');
  for (let i = 0; i < mib; i++) {
    for (let at = 0; at < MIB; at += 4096) chunk.writeUInt32LE(i * 256 + at / 4096, at);
    writeFileSync(file, chunk, { flag: 'a' });
  }
}
