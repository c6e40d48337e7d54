import { lstat, mkdir, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProloError } from '../../errors.ts';
import { run, runAttached, runLines, type RunResult } from '../../exec.ts';
import { findProgram } from '../../lab/packages.ts';
import { inside } from '../inside.ts';
import { enterArgv, type EnterOptions, resolvConfAt } from './enter-argv.ts';
import { leashed } from './enter-leash.ts';

type Inside = Omit<EnterOptions, 'console'>;

/** As long as a program may take that nobody watches. */
const TIMEOUT_MS = 600_000;

/** What programs write into a home without being asked. */
const TRACES =
  '.bash_history .zsh_history .sh_history .lesshst .viminfo .wget-hsts .python_history .node_repl_history .sqlite_history';

/**
 * Runs a program with a tree as its root. Whatever becomes of this process, it ends with it.
 * @throws ProloError `unavailable`, `forbidden` where no program can be run so
 */
export async function runInTree(
  tree: string,
  command: readonly string[],
  options: Inside = {},
): Promise<RunResult> {
  return enter(tree, command, { ...options, console: 'pipe' }, (argv) =>
    run(argv, { timeoutMs: TIMEOUT_MS }),
  );
}

/** As `runInTree`, line by line of what it says. @returns its exit status */
export async function runLinesInTree(
  tree: string,
  command: readonly string[],
  onLine: (line: string) => void,
  options: Inside = {},
): Promise<number> {
  return enter(tree, command, { ...options, console: 'pipe' }, (argv) => runLines(argv, onLine));
}

/** As `runInTree`, on this process's terminal, if it has one. @returns its exit status */
export async function attachInTree(
  tree: string,
  command: readonly string[],
  options: Inside = {},
): Promise<number> {
  await mustEnter(tree);
  const console = process.stdin.isTTY && process.stdout.isTTY ? 'terminal' : 'pipe';
  return enter(tree, command, { ...options, console }, (argv) => runAttached(argv));
}

async function enter<T>(
  tree: string,
  command: readonly string[],
  options: EnterOptions,
  start: (argv: string[]) => Promise<T>,
): Promise<T> {
  checkHost(tree);
  for (const [from] of options.binds ?? []) await mkdir(from, { recursive: true });
  const machine = `staging-${process.pid}`;
  const argv = enterArgv(tree, command, options, { resolvConf: await placeOfResolvConf(tree), machine });
  try {
    return await start(leashed(argv));
  } finally {
    for (const name of TRACES.split(' ')) await rm(join(inside(tree, 'root'), name), { force: true });
    await rm(`/run/systemd/nspawn/propagate/${machine}`, { recursive: true, force: true });
  }
}

function checkHost(tree: string): void {
  if (!findProgram('systemd-nspawn'))
    throw new ProloError('unavailable', `staging ${tree}: systemd-nspawn is not installed here`, {
      hint: 'apt-get install --no-install-recommends systemd-container',
    });
  if (process.getuid?.() !== 0)
    throw new ProloError('forbidden', `staging ${tree}: only root can run programs in it`, {
      hint: 'run it with sudo',
    });
}

/** So that what goes wrong before the first program is not taken for that program's own end. */
async function mustEnter(tree: string): Promise<void> {
  const { exitCode, stderr } = await runInTree(tree, ['true'], { readOnly: true });
  if (exitCode === 0) return;
  throw new ProloError(
    'unavailable',
    `staging ${tree}: no program runs in it: ${stderr.trim().split('\n')[0]}`,
    {
      hint: `systemd-nspawn needs a whole tree, and a host that lets it mount; else \`chroot ${tree}\``,
    },
  );
}

/** The tree's resolv.conf has to be something, since this host's is put over it for as long as a program runs there. */
async function placeOfResolvConf(tree: string): Promise<string> {
  const etc = inside(tree, 'etc');
  const file = join(etc, 'resolv.conf');
  const found = await lstat(file).catch(() => undefined);
  if (!found) {
    await mkdir(etc, { recursive: true });
    await writeFile(file, '', { mode: 0o644 });
  }
  return resolvConfAt(found?.isSymbolicLink() ? await readlink(file) : undefined);
}
