import { setTimeout as sleep } from 'node:timers/promises';
import { runLight } from '../exec.ts';
import type { Qmp } from './qmp.ts';
import { setMoveSpeed } from './storage.ts';

/** Beside a client that writes, a home is copied no faster: at full speed the client would get a tenth of what it had. */
export const POLITE_BYTES_PER_SECOND = 200_000_000;
/** A client that wrote is thought to go on for so long. */
const BUSY_MS = 1_000;
/** What a kernel sends to a disk that nobody writes to. */
const IDLE_BYTES = 4_096;
const LOOK_MS = 50;

/** What is known of a home's client: when, and how many bytes it has sent. */
export interface Look {
  atMs: number;
  /** undefined: nobody is connected */
  receivedBytes: number | undefined;
}

export interface Pace {
  /** 0: as fast as it goes. */
  bytesPerSecond: number;
  look?: Look;
  busyUntilMs: number;
  /** Whether anybody ever was. */
  wasConnected: boolean;
}

/**
 * How fast a home is copied from now on. As long as nobody has connected, somebody is just about to: they wait for their home.
 * @param limit the site's own, 0 where there is none
 */
export function nextPace(before: Pace, look: Look, limit: number): Pace {
  const { receivedBytes, atMs } = look;
  const sent = (receivedBytes ?? 0) - (before.look?.receivedBytes ?? receivedBytes ?? 0);
  const busyUntilMs = sent > IDLE_BYTES ? atMs + BUSY_MS : before.busyUntilMs;
  const polite = limit > 0 ? Math.min(limit, POLITE_BYTES_PER_SECOND) : POLITE_BYTES_PER_SECOND;
  const wasConnected = before.wasConnected || receivedBytes !== undefined;
  const isBusy = !wasConnected || busyUntilMs > atMs;
  return { bytesPerSecond: isBusy ? polite : limit, look, busyUntilMs, wasConnected };
}

/** `ss -tin`: bytes that came in over the connections it shows; undefined when it shows none. */
export function readReceived(text: string): number | undefined {
  const counts = [...text.matchAll(/\bbytes_received:(\d+)/g)].map(([, bytes]) => Number(bytes));
  if (counts.length > 0) return counts.reduce((sum, bytes) => sum + bytes, 0);
  return text.trim() === '' ? undefined : 0;
}

/** Copies politely while the client of `port()` writes, until `isOver`. Without `ss` it is as fast as the site lets it. */
export async function paceMove(
  qmp: Qmp,
  port: () => number,
  limit: number,
  isOver: () => boolean,
): Promise<void> {
  let pace: Pace = { bytesPerSecond: limit, busyUntilMs: 0, wasConnected: false };
  for (; !isOver(); await sleep(LOOK_MS)) {
    const shown = await runLight(['ss', '-Htin', 'state', 'established', 'sport', '=', `:${port()}`]);
    if (isOver() || shown.exitCode !== 0) return;
    const look = { atMs: performance.now(), receivedBytes: readReceived(shown.stdout) };
    const next = nextPace(pace, look, limit);
    if (next.bytesPerSecond !== pace.bytesPerSecond) await setMoveSpeed(qmp, next.bytesPerSecond);
    pace = next;
  }
}
