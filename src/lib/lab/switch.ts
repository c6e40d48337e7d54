import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runOk } from '../exec.ts';
import type { Lab } from './lab.ts';

/** Not of LAB_PROGRAMS: only who plays a switch needs it. */
export const SWITCH_PROGRAMS: Record<string, string> = { lldpd: 'lldpd' };

/**
 * Something on the wire that says by LLDP, once a second, that it is a chassis of this id: what a PC behind a switch
 * hears. A file server that runs lldpd sounds the same.
 * @returns what silences it
 */
export async function plugSwitch(lab: Lab, name: string, chassis: string): Promise<() => Promise<void>> {
  const seat = await lab.plugSeat(chassis);
  // lldpd gives up root before it makes its socket, and would not get into the lab's own folder.
  const dir = mkdtempSync(join(tmpdir(), 'prolo-lldp-'));
  chmodSync(dir, 0o755);
  const socket = join(dir, 'socket');
  try {
    const daemon = await seat.start(name, [
      ...['lldpd', '-dd', '-u', socket, '-p', '', '-L', ''],
      ...['-I', 'eth0', '-C', 'eth0', '-S', name],
    ]);
    const tell = (...words: string[]) => seat.run(['lldpcli', '-u', socket, ...words]);
    await lab.until(
      name,
      async () => (await tell('configure', 'lldp', 'tx-interval', '1')).exitCode === 0,
      10_000,
    );
    await tell('update'); // the interval counts from the next packet on, which may be half a minute away
    return async () => {
      await daemon.stop();
      await runOk(['ip', '-n', seat.netns, 'link', 'set', 'eth0', 'down']);
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
