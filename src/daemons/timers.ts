import { ProloError } from '../lib/errors.ts';
import { backupHomes, forgetOld, retainImages } from '../lib/hfs/backup/jobs.ts';
import { planJobs, startJobs } from '../lib/hfs/backup/timers.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';
import { createLock } from '../lib/locks.ts';

/** What is to be done every few minutes, hour or night, where no systemd timer does it. */
export const start: StartDaemon = async ({ site, log, store }) => {
  const opened = await store();
  const mustBeWhole = <T extends { failed: object[] }>(outcome: T): T => {
    if (outcome.failed.length > 0)
      throw new ProloError('failed', `failed: ${JSON.stringify(outcome.failed).slice(0, 2000)}`);
    return outcome;
  };
  // Forgetting locks the repository: one after the other.
  const inTurn = createLock();
  const jobs = planJobs(site, {
    backup: () =>
      inTurn(async () => ({ stored: mustBeWhole(await backupHomes(site, opened, [])).stored.length })),
    forget: () => inTurn(() => forgetOld(site).then(() => ({}))),
    retain: async () => ({ deleted: mustBeWhole(await retainImages(site, opened)).deleted }),
  });
  const started = await startJobs(jobs, log);
  return {
    close() {
      started.stop();
      return Promise.resolve();
    },
  };
};
