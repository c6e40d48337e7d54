import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CpioEntry } from '../../src/lib/cpio.ts';
import type { Guest } from '../../src/lib/lab/guest.ts';
import { STEP_MS } from './lab.ts';

const WRITER = 'usr/local/lib/guest-writer.mjs';
/** The guest's own clock, which nobody sets: seconds, to a hundredth. */
const NOW = 'read -r now rest </proc/uptime; echo $now';

/** Files of a guest that the functions below need. */
export function sessionFiles(): CpioEntry[] {
  return [{ path: WRITER, data: readFileSync(join(import.meta.dirname, 'guest-writer.mjs')) }];
}

export interface PamAnswer {
  ok: boolean;
  /** All that was said to the person. */
  said: string;
  ms: number;
}

/** What a display manager does at login, with the service that the site's hook is in. */
export async function openSession(guest: Guest, login: string): Promise<PamAnswer> {
  const { exitCode, stdout } = await guest.run(
    `${NOW}; pamtester prolo ${login} acct_mgmt open_session 2>&1; status=$?; ${NOW}; exit $status`,
    STEP_MS,
  );
  const lines = stdout.trim().split('\n');
  const [begun, ended] = [Number(lines.shift()), Number(lines.pop())];
  return { ok: exitCode === 0, said: lines.join('\n'), ms: Math.round((ended - begun) * 1000) };
}

/** @returns milliseconds from PAM's call until the home is mounted. @throws Error when it is not */
export async function logIn(guest: Guest, login: string): Promise<number> {
  const { ok, said, ms } = await openSession(guest, login);
  if (!ok) throw new Error(`${guest.name}: ${login} cannot log in: ${said}`);
  await guest.ok(`mountpoint /home/${login}`);
  return ms;
}

export async function logOut(guest: Guest, login: string): Promise<void> {
  await guest.ok(`pamtester prolo ${login} close_session && ! mountpoint -q /home/${login}`, STEP_MS);
}

/** What a writer says: how many blocks the home has acknowledged, the longest that any took, `error` once it refused one. */
export interface Noted {
  pid: number;
  count: number;
  worstMs: number;
  error: string;
}

/** Something that writes in a home, and flushes each block. */
export interface Writer {
  noted(): Promise<Noted>;
  /** Ends it, if it still runs. @returns its last words */
  stop(): Promise<Noted>;
}

/** Resolves once it has written. */
export async function startWriter(guest: Guest, login: string): Promise<Writer> {
  const note = `/run/${login}.noted`;
  await guest.ok(`rm -f ${note}`);
  const ended = guest.run(`exec node /${WRITER} /home/${login}/counter ${note}`, 3 * STEP_MS);
  ended.catch(() => undefined); // the guest went off
  await guest.ok(`for i in $(seq 100); do grep -q count ${note} && exit; sleep 0.1; done; exit 1`);
  const noted = async (): Promise<Noted> => JSON.parse(await guest.ok(`cat ${note}`)) as Noted;
  return {
    noted,
    async stop() {
      await guest.run(`kill ${(await noted()).pid}`);
      await ended;
      return noted();
    },
  };
}

/** Someone who logs in by name and password at the console. Resolves when it answers, with the prompt of a shell or a refusal. */
export async function logInAtConsole(
  guest: Guest,
  login: string,
  password: string,
  answer: RegExp,
): Promise<void> {
  const { console } = guest;
  await console.press('enter'); // whatever prompt stood there before, the next one is new
  await console.waitFor(/login: /, STEP_MS);
  await console.type(`${login}\r`);
  await console.waitFor(/Password: /, STEP_MS);
  await console.type(`${password}\r`);
  await console.waitFor(answer, STEP_MS);
}

/** The highest number in a home that a writer wrote to. */
export async function lastWritten(guest: Guest, login: string): Promise<number> {
  return Number(await guest.ok(`tr -s ' ' '\\n' </home/${login}/counter | sort -n | tail -n 1`));
}
