import type { AnyAuthMethod } from 'ssh2';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProloError } from '../../errors.ts';
import type { MachineRecord } from '../../mdb/record.ts';
import { packageRoot } from '../../package-root.ts';
import { findPresence } from '../../presence/table.ts';
import type { Site } from '../../site/site.ts';
import { quote } from '../../ssh/command.ts';
import { connect, type Connector } from '../../ssh/connect.ts';
import { onInterrupt, STOPPING } from '../../ssh/interrupt.ts';
import { openAccess } from '../../ssh/open.ts';
import type { Target } from '../../ssh/protocol.ts';
import { runCommand } from '../../ssh/run-command.ts';
import type { Store } from '../../store/store.ts';
import { type Finding, green, red } from '../check.ts';
import type { Outcome } from '../examine.ts';
import { foldOutcomes } from '../seat/fold.ts';
import type { SeatView } from './at-seat.ts';
import { STEPS } from './steps.ts';
import { LoginRefused, type Walk, walkSeat } from './walk.ts';

/** Longer than a PC waits for a home that has to move. */
const ENTER_MS = 75_000;
const VIEW_MS = 30_000;
const SESSION_MS = 30_000;
const MAX_CHARS = 20_000;

export interface LoginOptions {
  login: string;
  password: string;
  /** The private key's file of whoever looks there, as root. */
  identity?: string | undefined;
  note(text: string): void;
  /** Before each seat, and with nothing at the end. */
  onSeat(hostname: string | undefined, left: number): void;
}

/**
 * Logs an account in and out at each of those seats, one after the other: it can be at one only. After Ctrl-C it is logged out where
 * it is, and nothing more is begun; whatever ends this process, sshd over there ends the session with the connection.
 */
export async function walkLogins(
  site: Site,
  store: Store,
  machines: readonly MachineRecord[],
  { login, password, identity, note, onSeat }: LoginOptions,
): Promise<Walk[]> {
  const access = await openAccess(site, { identity });
  const interrupt = onInterrupt(() => note(`prolo: ${STOPPING}`));
  const asRoot = access.connector;
  const asPerson: Connector = { ...asRoot, auth: passwordOnly(login, password), connectMs: ENTER_MS };
  delete asPerson.authTrouble;
  // Seats of one home file server after the other: the home moves with them.
  const seats = [...machines].sort((a, b) => a.hfs - b.hfs);
  const walks: Walk[] = [];
  try {
    for (const machine of seats) {
      if (interrupt.signal.aborted) break;
      onSeat(machine.hostname, seats.length - walks.length);
      const target = access.targetOf(machine);
      walks.push(
        await walkSeat({
          login,
          hostname: machine.hostname,
          // Also after Ctrl-C: whether it is logged out is to be seen.
          view: (gone) => viewFrom(target, asRoot, login, gone),
          enter: () => enterAt({ ...target, user: login }, asPerson, interrupt.signal),
          whereabouts: async () => (await findPresence(store.knex, login))?.hostname,
        }),
      );
    }
  } finally {
    onSeat(undefined, 0);
    interrupt.release();
    await access.close(note);
  }
  return walks;
}

function passwordOnly(username: string, password: string): AnyAuthMethod[] {
  return [
    { type: 'password', username, password },
    {
      type: 'keyboard-interactive',
      username,
      prompt: (_name, _text, _language, prompts, answer) => answer(prompts.map(() => password)),
    },
  ];
}

async function viewFrom(
  target: Target,
  connector: Connector,
  login: string,
  gone: boolean,
): Promise<SeatView> {
  const connection = await connect(target, connector);
  let text = '';
  const sink = {
    write: (_: string, stream: string, chunk: Buffer) =>
      void (stream === 'stdout' && (text = `${text}${chunk.toString()}`.slice(0, MAX_CHARS))),
    end: () => undefined,
  };
  try {
    const command = `prolo doctor look --json --seat ${quote(login)}${gone ? ' --until-gone' : ''}`;
    const { exitCode, reason } = await runCommand(connection, { command }, sink, { commandMs: VIEW_MS });
    const view = parseView(text);
    if (view) return view;
    throw new ProloError('failed', reason ?? `its prolo says nothing of its session (status ${exitCode})`);
  } finally {
    connection.close();
  }
}

function parseView(text: string): SeatView | undefined {
  try {
    const view = JSON.parse(text) as Partial<SeatView>;
    return Array.isArray(view.mounts) && Array.isArray(view.attached) ? (view as SeatView) : undefined;
  } catch {
    return undefined;
  }
}

async function enterAt(target: Target, connector: Connector, signal: AbortSignal) {
  const connection = await connect(target, connector, signal).catch(
    (error: Error & { cause?: { level?: string } }) => {
      throw new LoginRefused(error.message, error.cause?.level === 'client-authentication');
    },
  );
  const input = readFileSync(join(packageRoot, 'templates/doctor/session.sh'));
  return {
    run: () =>
      runCommand(
        connection,
        { command: 'sh -s', input },
        { write: () => undefined, end: () => undefined },
        { commandMs: SESSION_MS, signal },
      ),
    leave: () => connection.close(),
  };
}

/** Seats where it went alike are one line. */
export function describeWalks(walks: readonly Walk[], login: string): Outcome {
  const subject = `${login} logs in and out`;
  const found = new Map(
    walks.map(({ hostname, stopped, left, passed, ms }): [string, Outcome[]] => {
      const findings: Finding[] = [];
      if (!stopped) findings.push(green('in and out'));
      else {
        const [what, fix] = STEPS[stopped.step];
        const after = passed.length > 0 ? ` (after ${passed.join(', ')})` : '';
        findings.push(
          red(
            `stopped at ${stopped.step}, “${what}”: ${stopped.said}${after}`,
            fix.replaceAll('LOGIN', login),
          ),
        );
        if (left !== undefined) findings.push(red(`left behind: ${left}`, STEPS.released[1]));
      }
      return [hostname, [{ name: 'login', subject, colour: 'red', findings, ms }]];
    }),
  );
  const [outcome] = foldOutcomes(found, [{ name: 'login', subject }]);
  const slowest = Math.max(...walks.flatMap(({ inMs, stopped }) => (stopped ? [] : [inMs ?? 0])), 0);
  for (const finding of outcome!.findings)
    if (finding.colour === 'green') finding.what += `, at home within ${(slowest / 1000).toFixed(1)} s`;
  return outcome!;
}
