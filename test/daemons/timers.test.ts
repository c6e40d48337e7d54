import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { pino } from 'pino';
import { loadDaemon } from '../../src/daemons/registry.ts';
import { type Job, startJobs } from '../../src/lib/hfs/backup/timers.ts';
import type { Logger } from '../../src/lib/log.ts';
import { makeTestSite } from '../support/site.ts';

interface Line {
  job: string;
  msg: string;
  error?: string;
  ms?: number;
}

describe('timers', function () {
  this.timeout(20_000);
  const lines: Line[] = [];
  const log: Logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as Line) });
  beforeEach(() => lines.splice(0));
  const until = async (done: () => boolean): Promise<void> => {
    for (let i = 0; i < 1_000 && !done(); i++) await sleep(10);
    expect(done()).to.equal(true);
  };

  it('the daemon sets backups, where there is a repository, and the rest', async () => {
    for (const [repository, names] of [
      ['', ['hfs-retain']],
      ['backups', ['hfs-backup', 'hfs-forget', 'hfs-retain']],
    ] as const) {
      lines.splice(0);
      const test = await makeTestSite({ hfs: { backup: { repository } } });
      try {
        const { start } = await loadDaemon('timers');
        const running = await start({ ...test.context, log });
        expect(lines.map(({ job, msg }) => `${msg} ${job}`)).to.deep.equal(
          names.map((name) => `timer: set ${name}`),
        );
        await running.close();
      } finally {
        await test.remove();
      }
    }
  });

  it('a job that still runs is not started again; one that fails is in the log, and comes again', async () => {
    const every = '* * * * * *';
    let end = (): void => undefined;
    let [slow, bad] = [0, 0];
    const jobs: Job[] = [
      { name: 'slow', pattern: every, run: () => new Promise((done) => (slow++, (end = () => done({})))) },
      { name: 'bad', pattern: every, run: () => Promise.reject(new Error(`no ${++bad}`)) },
    ];
    const started = await startJobs(jobs, log);
    try {
      await until(() => bad >= 2 && lines.some(({ msg }) => /still running/.test(msg)));
      expect(slow).to.equal(1);
      end();
      await until(() => slow === 2);
      const failed = lines.filter(({ msg }) => msg === 'timer: failed');
      expect(failed[0]).to.include({ job: 'bad', error: 'Error: no 1' });
      expect(lines.find(({ msg }) => msg === 'timer: done'))
        .to.include({ job: 'slow' })
        .and.have.property('ms');
    } finally {
      started.stop();
      end();
    }
    const after = bad;
    await sleep(1_100);
    expect(bad).to.equal(after);
  });
});
