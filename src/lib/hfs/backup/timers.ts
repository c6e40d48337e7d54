import type { Logger } from '../../log.ts';
import type { Site } from '../../site/site.ts';

/** A thing that is done again and again. */
export interface Job {
  name: string;
  /** When, as cron says it, in this host's zone. */
  pattern: string;
  /** @returns what is worth a line in the log */
  run(): Promise<object>;
}

/** `everyMinutes` of the config as cron says it: a divisor of the hour, or of the day, or once a day. */
export function everyPattern(minutes: number): string {
  if (minutes < 60) return `*/${minutes} * * * *`;
  const hours = Math.round(minutes / 60);
  return hours < 24 ? `0 */${hours} * * *` : '0 3 * * *';
}

/** What the site does by the clock. */
export function planJobs(
  { config }: Pick<Site, 'config'>,
  work: { backup: Job['run']; forget: Job['run']; retain: Job['run'] },
): Job[] {
  const { repository, everyMinutes } = config.hfs.backup;
  const backups = [
    { name: 'hfs-backup', pattern: everyPattern(everyMinutes), run: work.backup },
    { name: 'hfs-forget', pattern: '20 4 * * *', run: work.forget },
  ];
  return [...(repository ? backups : []), { name: 'hfs-retain', pattern: '40 * * * *', run: work.retain }];
}

/** Runs a job, with its duration and its failure in the log. @returns whether it went well */
export async function runJob(job: Job, log: Logger): Promise<boolean> {
  const startedMs = performance.now();
  const ms = (): number => Math.round(performance.now() - startedMs);
  try {
    const outcome = await job.run();
    log.info({ job: job.name, ms: ms(), ...outcome }, 'timer: done');
    return true;
  } catch (error) {
    log.error({ job: job.name, ms: ms(), error: String(error) }, 'timer: failed');
    return false;
  }
}

/** Runs each job at its times; one that still runs is not started again. */
export async function startJobs(jobs: readonly Job[], log: Logger): Promise<{ stop(): void }> {
  const { Cron } = await import('croner');
  const crons = jobs.map((job) => {
    const protect = (): void => log.warn({ job: job.name }, 'timer: still running, not started again');
    const cron = new Cron(job.pattern, { protect }, async () => void (await runJob(job, log)));
    log.info({ job: job.name, pattern: job.pattern, next: cron.nextRun()?.toISOString() }, 'timer: set');
    return cron;
  });
  return { stop: () => crons.forEach((cron) => cron.stop()) };
}
