import { ProloError } from '../errors.ts';
import { run } from '../exec.ts';
import type { Logger } from '../log.ts';
import type { Config } from '../site/schema.ts';
import type { Phase } from './mode.ts';

const UNIT_MS = 90_000;

/**
 * Holds units at whether the contest runs. While it does, one that has ended is started again; otherwise they are stopped
 * once, and who starts one by hand, to try it, is not disturbed.
 */
export function createUnits(
  { services, systemctl }: Config['contest'],
  log: Logger,
): (phase: Phase) => Promise<void> {
  let settled: boolean | undefined;
  const tell = async (...args: string[]) => run([...systemctl, ...args], { timeoutMs: UNIT_MS });
  const isActive = async (unit: string): Promise<boolean> =>
    (await tell('is-active', '--quiet', unit)).exitCode === 0;
  return async (phase) => {
    const on = phase === 'on';
    if (!on && settled === false) return;
    settled = undefined;
    const failed: string[] = [];
    for (const unit of services) {
      if ((await isActive(unit)) === on) continue;
      const verb = on ? 'start' : 'stop';
      const { exitCode, stderr } = await tell(verb, unit);
      if (exitCode !== 0)
        failed.push(`${verb} ${unit}: ${stderr.trim().split('\n')[0] || `exit status ${exitCode}`}`);
      else log.info({ unit, verb }, 'contest: unit told');
    }
    if (failed.length > 0) throw new ProloError('failed', failed.join('; '));
    settled = on;
  };
}
