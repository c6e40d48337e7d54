import { request } from 'node:http';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SeatState } from '../../seat/socket.ts';
import { createSeatSystem } from '../../seat/system.ts';
import type { Site } from '../../site/site.ts';

/** What root sees at a seat of somebody's login. */
export interface SeatView {
  /** undefined: no person's account of that name. */
  uid?: number;
  /** What presenced says; undefined: it does not run, or is another version. */
  presenced?: SeatState;
  /** Logins whose homes are mounted. */
  mounts: string[];
  /** Devices that have a server. */
  attached: string[];
}

const ASK_MS = 5_000;
const GONE_MS = 15_000;

/** At the seat, as its root. @param gone waits until nothing of a session is left, or that takes too long */
export async function viewSeat(site: Site, login: string, gone: boolean): Promise<SeatView> {
  const deadline = performance.now() + (gone ? GONE_MS : 0);
  for (;;) {
    const view = await viewNow(site, login);
    if (isFree(view) || performance.now() >= deadline) return view;
    await sleep(100);
  }
}

export function isFree({ presenced, mounts, attached }: SeatView): boolean {
  return (
    mounts.length === 0 && attached.length === 0 && presenced !== undefined && presenced.session === null
  );
}

async function viewNow(site: Site, login: string): Promise<SeatView> {
  const system = createSeatSystem();
  const socket = resolve(site.statePath(), site.config.presence.socket);
  const [uid, presenced] = await Promise.all([
    system.uidOf(login),
    askPresenced(socket).catch(() => undefined),
  ]);
  return {
    ...(uid === undefined ? {} : { uid }),
    ...(presenced ? { presenced } : {}),
    mounts: system.mounted().map((mount) => mount.login),
    attached: system.attached(),
  };
}

function askPresenced(socketPath: string): Promise<SeatState> {
  return new Promise((done, reject) => {
    const signal = AbortSignal.timeout(ASK_MS);
    const asked = request({ socketPath, path: '/state', signal }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('error', reject).on('end', () => {
        try {
          done(JSON.parse(text) as SeatState);
        } catch (error) {
          reject(error as Error);
        }
      });
    });
    asked.on('error', reject).end();
  });
}
