import { asProloError, ProloError } from '../errors.ts';
import { followFeed } from '../feed/client.ts';
import { post } from '../http/post.ts';
import { signForm } from '../http/signed-form.ts';
import type { Logger } from '../log.ts';
import { repeat } from '../repeat.ts';
import { serviceUrl, type Site } from '../site/site.ts';
import { type ContestMode, nextChangeMs, type Phase, phaseAt, steadyTime } from './mode.ts';
import type { Applied } from './applied.ts';

/** How often a consumer looks whether all is still as it shall be, and says so. */
const AGAIN_MS = 15_000;
/** How often one that waits for its hour looks at its clock, which may be set meanwhile. */
const LOOK_MS = 500;
const TELL_MS = 5_000;

export interface FollowContestOptions {
  site: Site;
  /** As `prolo contest status` names it. */
  consumer: string;
  /** Makes it so; called again and again for the same phase, one at a time. What it throws is told as what is wrong, and tried again. */
  apply(phase: Phase): Promise<void>;
  signal: AbortSignal;
  log: Logger;
  againMs?: number;
}

/**
 * Follows whether the contest runs, by the feed and this host's own clock, until aborted, and tells what was reached. Nothing
 * is applied until the feed has spoken; after that its last word counts while it is silent.
 */
export async function followContest(options: FollowContestOptions): Promise<void> {
  const { site, consumer, apply, signal, log } = options;
  let mode: ContestMode | undefined;
  let latest = { epoch: -1, ms: 0 };
  let done: Pick<Applied, 'epoch' | 'phase' | 'problem'> | undefined;
  let again = true;

  const phaseNow = (known: ContestMode): Phase => {
    const now = Date.now();
    latest = { epoch: known.epoch, ms: known.epoch === latest.epoch ? steadyTime(latest.ms, now) : now };
    return phaseAt(known, latest.ms);
  };
  const converge = async (): Promise<void> => {
    while (mode && !signal.aborted) {
      const { epoch } = mode;
      const phase = phaseNow(mode);
      if (!again && done?.epoch === epoch && done.phase === phase) return;
      again = false;
      const problem = await apply(phase).then(
        () => '',
        (error: unknown) => asProloError(error).message.slice(0, 500),
      );
      if (signal.aborted) return;
      if (problem) log.error({ epoch, phase, error: problem }, 'contest: cannot be applied, later again');
      else if (done?.epoch !== epoch || done.phase !== phase) log.info({ epoch, phase }, 'contest: applied');
      done = { epoch, phase, problem };
      await tellApplied(site, { consumer, ...done }).catch((error: unknown) =>
        log.warn({ error: asProloError(error).message }, 'contest: what was applied cannot be told'),
      );
    }
  };
  const work = repeat(LOOK_MS, converge, (error) => log.error({ error: String(error) }, 'contest: failed'));
  const looking = setInterval(() => {
    again = true;
    work.now();
  }, options.againMs ?? AGAIN_MS);
  let hour: NodeJS.Timeout | undefined;
  const armHour = (known: ContestMode): void => {
    clearTimeout(hour);
    const next = nextChangeMs(known, Date.now());
    if (next !== undefined && next - Date.now() < 2 ** 31) hour = setTimeout(work.now, next - Date.now());
  };
  try {
    await followFeed<ContestMode>({
      url: serviceUrl(site.config, 'contestsync'),
      secret: site.secret('contestsync.subscribe'),
      pk: 'name',
      onLine(state) {
        mode = state.get('contest') ?? mode;
        if (!mode) return;
        armHour(mode);
        work.now();
      },
      signal,
      log,
    });
  } finally {
    work.stop();
    clearInterval(looking);
    clearTimeout(hour);
  }
}

/** @throws ProloError `unavailable`; `refused` with its words */
async function tellApplied(site: Site, applied: Applied): Promise<void> {
  const url = `${serviceUrl(site.config, 'contestsync')}/applied`;
  const form = signForm(site.secret('contestsync.publish'), JSON.stringify(applied));
  const { status, text } = await post(url, form, {
    type: 'application/x-www-form-urlencoded',
    timeoutMs: TELL_MS,
  });
  if (status !== 200) throw new ProloError('refused', `contestsync: ${text.trim()}`);
}
