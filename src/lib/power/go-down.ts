import { connect, type Connection, type Connector, outcomeOfEnd } from '../ssh/connect.ts';
import type { Outcome, Target } from '../ssh/protocol.ts';
import { bootIdIn, READ_BOOT_ID, runKept } from './boot-id.ts';

export type Verb = 'reboot' | 'poweroff';

export interface Down {
  outcome: Outcome;
  /** Of the boot that ends; where it was read. */
  bootId?: string;
}

/** Tells one machine to reboot, or to power off. */
export async function goDown(
  target: Target,
  verb: Verb,
  connector: Connector,
  { commandMs }: { commandMs: number },
): Promise<Down> {
  const startedMs = performance.now();
  let connection: Connection | undefined;
  try {
    connection = await connect(target, connector);
    const ran = await runKept(connection, `${READ_BOOT_ID}; systemctl ${verb}`, { commandMs });
    const bootId = bootIdIn(ran.stdout);
    const outcome = judgeDown({
      ...ran,
      hasBegun: bootId !== undefined,
      hungUp: connection.ended !== undefined,
    });
    return { outcome, ...(bootId === undefined ? {} : { bootId }) };
  } catch (error) {
    return { outcome: outcomeOfEnd({ target }, error, Math.round(performance.now() - startedMs)) };
  } finally {
    connection?.close();
  }
}

/**
 * What came of it. A machine that goes down may take the connection, or the command, with it: that is what was asked for, once the
 * command line had begun there.
 */
export function judgeDown(ran: {
  outcome: Outcome;
  hasBegun: boolean;
  hungUp: boolean;
  stderr: string;
}): Outcome {
  const { hostname, status, signal, exitCode, ms } = ran.outcome;
  const down: Outcome = { hostname, status: 'ok', ms };
  if (status === 'ok') return { ...down, exitCode: 0 };
  if (ran.hasBegun && (status === 'unreachable' || (status === 'timeout' && ran.hungUp))) return down;
  if (ran.hasBegun && (signal === 'TERM' || signal === 'HUP')) return down;
  const words = ran.stderr.trim().split('\n').at(-1)?.trim();
  return exitCode !== undefined && words ? { ...ran.outcome, reason: words } : ran.outcome;
}
