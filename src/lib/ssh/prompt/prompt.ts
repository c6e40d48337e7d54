import { ProloError } from '../../errors.ts';
import type { Site } from '../../site/site.ts';
import type { Store } from '../../store/store.ts';
import { chooseMachines, confirmMachines, type Selection, showMachines } from '../choose.ts';
import { questionFor, type TouchFlags } from '../confirm-machines.ts';
import { exitOn } from '../interrupt.ts';
import { type ConnectFlags, openAccess } from '../open.ts';
import { startRun } from '../runs.ts';
import { keepInHistory, loadHistory } from './history.ts';
import { runPlain } from './plain.ts';
import { createPool } from './pool.ts';
import { createSession, type Front, type Session } from './session.ts';

export interface PromptFlags extends Selection, TouchFlags, ConnectFlags {
  timeout?: number | undefined;
  port?: number | undefined;
  json?: boolean | undefined;
  /** There was a `--`. */
  hasCommand: boolean;
}

/**
 * Commands one after the other on machines whose connections are kept: a prompt on a terminal, and otherwise a line of
 * standard input each.
 * @param say prints a result; `note` says what is none
 * @returns the exit status
 */
export async function runPrompt(
  site: Site,
  store: () => Promise<Store>,
  flags: PromptFlags,
  say: (text: string) => void,
  note: (text: string) => void,
): Promise<number> {
  if (flags.json)
    throw new ProloError('bad-input', 'pssh: --json: not with --interactive', {
      hint: 'for programs: `prolo pssh --json SELECTION -- COMMAND`',
    });
  if (flags.hasCommand)
    throw new ProloError('bad-input', 'pssh: --interactive: it takes no command', {
      hint: 'without `--`: commands are typed at the prompt, or are lines of standard input',
    });
  const machines = await chooseMachines(site, store, flags, { note });
  if (!(await confirmMachines(site, machines, 'open a prompt', flags, note))) {
    if (flags['dry-run']) showMachines(machines, say);
    return 0;
  }
  const { port, yes } = flags;
  const { askAbove, commandSeconds } = site.config.ssh;
  const access = await openAccess(site, flags);
  const { connector, fanout } = access;
  const begin = (front: Front): Session => {
    const session = createSession({
      pool: (onChange) => createPool({ connector, fanout, onChange }),
      commandSeconds: flags.timeout ?? commandSeconds,
      choose: (words) => chooseMachines(site, store, { words, port }),
      targetOf: access.targetOf,
      questionFor: (chosen) => (yes ? undefined : questionFor(chosen, askAbove)),
      startRun: (command, hostnames) => startRun(site, { what: `run ${command}`, hostnames }),
      front,
    });
    session.begin(machines);
    // A prompt can stay open for hours, and end with its terminal.
    void session.settled().then(() => access.close(note));
    return session;
  };
  const unlisten = exitOn('SIGHUP', 'SIGTERM');
  try {
    if (!process.stdin.isTTY || !process.stdout.isTTY)
      return await runPlain(begin, process.stdin, process.stdout, note);
    // React's other build is for those who write components; chalk goes by another variable than everybody.
    process.env.NODE_ENV ??= 'production';
    if (process.env.NO_COLOR) process.env.FORCE_COLOR = '0';
    const file = site.statePath('ssh/history');
    const [{ runAtTerminal }, history] = await Promise.all([import('./terminal.ts'), loadHistory(file)]);
    await runAtTerminal(begin, history, (line) => keepInHistory(file, line));
    return 0;
  } finally {
    await access.close(note);
    unlisten();
  }
}
