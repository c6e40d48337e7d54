import { writeFile } from 'node:fs/promises';
import { asProloError } from '../errors.ts';
import { runLight } from '../exec.ts';
import type { Logger } from '../log.ts';

/** Tells systemd, once, that what waits for accounts need wait no longer. */
export interface Readiness {
  now(): void;
  stop(): void;
}

/**
 * After `waitMs` it is said in any case, with a sentence on the console: a PC without the gateway must let its root in.
 * @param notify tells systemd; nothing where systemd did not start this
 */
export function createReadiness(
  { name, url, waitMs, log }: { name: string; url: string; waitMs: number; log: Logger },
  notify: (status: string) => Promise<void> = notifySystemd,
  tellConsole: (text: string) => Promise<void> = writeConsole,
): Readiness {
  let told = false;
  const tell = (status: string): void => {
    if (told) return;
    told = true;
    clearTimeout(timer);
    notify(status).catch((error: unknown) =>
      log.warn({ error: asProloError(error).message }, `${name}: systemd was not told`),
    );
  };
  const timer = setTimeout(() => {
    const what = name === 'passwd' ? 'only root can log in here' : 'its roots have no key here';
    const text = `nothing of UDB after ${waitMs / 1000} s (udbsync is ${url}): until it comes, ${what}`;
    log.warn(text);
    tell(text);
    tellConsole(`prolo: ${text}`).catch(() => undefined); // there is none
  }, waitMs);
  return { now: () => tell(`${name}: up to date`), stop: () => clearTimeout(timer) };
}

async function notifySystemd(status: string): Promise<void> {
  if (process.env.NOTIFY_SOCKET) await runLight(['systemd-notify', '--ready', `--status=${status}`]);
}

/** Only a service of systemd's speaks there: a daemon that a person runs has their terminal. */
async function writeConsole(text: string): Promise<void> {
  if (process.env.NOTIFY_SOCKET) await writeFile('/dev/console', `\r\n${text}\r\n`, { flag: 'w' });
}
