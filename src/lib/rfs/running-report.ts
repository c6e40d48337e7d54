import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { asProloError, ProloError } from '../errors.ts';
import { post } from '../http/post.ts';
import { signForm } from '../http/signed-form.ts';
import type { Logger } from '../log.ts';
import { serviceUrl, type Site } from '../site/site.ts';

/** Where the initramfs leaves the number of the version that it booted. */
const VERSION_FILE = '/run/prolo/version';

const EVERY_MS = 5 * 60_000;
const TIMEOUT_MS = 10_000;

/** The version that this machine runs; undefined where it booted otherwise. */
async function bootedVersion(file: string): Promise<number | undefined> {
  const text = (await readFile(file, 'utf8').catch(() => '')).trim();
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
}

/** Between one report and the next: machines that came up together spread out. @param chance 0 to 1 */
function reportDelayMs(chance: number): number {
  return EVERY_MS * (0.75 + chance / 2);
}

/** Tells rfssync what this machine runs. @throws ProloError `unavailable`; `refused` with its words */
export async function tellRunning(site: Site, version: number, kernel = release()): Promise<void> {
  const url = `${serviceUrl(site.config, 'rfssync')}/running`;
  const form = signForm(site.secret('presencesync.publish'), JSON.stringify({ version, kernel }));
  const answer = await post(url, form, {
    type: 'application/x-www-form-urlencoded',
    timeoutMs: TIMEOUT_MS,
  }).catch((cause: unknown) => {
    throw new ProloError('unavailable', `rfssync ${url}: ${asProloError(cause).message}`, { cause });
  });
  if (answer.status !== 200) throw new ProloError('refused', `rfssync: ${answer.text.trim()}`);
}

/**
 * Tells it now and every few minutes, until stopped; nothing where no version was booted.
 * @param chance 0 to 1, anew each time
 */
export function keepReporting(
  site: Site,
  log: Logger,
  versionFile = VERSION_FILE,
  chance: () => number = Math.random,
): { stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const report = async (): Promise<void> => {
    try {
      const version = await bootedVersion(versionFile);
      if (version !== undefined) await tellRunning(site, version);
    } catch (error) {
      log.warn({ error: asProloError(error).message }, 'version: not told, later again');
    }
    if (!stopped) timer = setTimeout(() => void report(), reportDelayMs(chance()));
  };
  void report();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
