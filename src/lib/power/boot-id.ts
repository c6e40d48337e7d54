import type { Connection } from '../ssh/connect.ts';
import type { Outcome, Sink, Stream } from '../ssh/protocol.ts';
import { runCommand } from '../ssh/run-command.ts';

/** Prints what is another one after each boot. */
export const READ_BOOT_ID = 'cat /proc/sys/kernel/random/boot_id';

/** The boot id in what `READ_BOOT_ID` printed, whatever a login script printed before it. */
export function bootIdIn(stdout: string): string | undefined {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/m.exec(stdout)?.[0];
}

const MAX_KEPT = 4096;

/** Runs a command of which little output is expected, and keeps the first of it. */
export async function runKept(
  connection: Connection,
  command: string,
  limits: { commandMs: number; signal?: AbortSignal },
): Promise<{ outcome: Outcome; stdout: string; stderr: string }> {
  const kept: Record<Stream, string> = { stdout: '', stderr: '' };
  const sink: Sink = {
    write(_, stream, chunk) {
      if (kept[stream].length < MAX_KEPT) kept[stream] += chunk.toString('utf8', 0, MAX_KEPT);
    },
    end: () => undefined,
  };
  const outcome = await runCommand(connection, { command }, sink, limits);
  return { outcome, ...kept };
}
