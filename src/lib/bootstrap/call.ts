import { createWriteStream } from 'node:fs';
import type { ProloError } from '../errors.ts';
import { run, runLines } from '../exec.ts';
import { leashed } from '../rfs/root/enter-leash.ts';
import { readPhases } from '../rfs/root/init-phases.ts';
import { complaintOf } from '../rfs/root/install-complaint.ts';

/** All that programs said. */
export interface Log {
  write(text: string): unknown;
  end(): Promise<void>;
}

export const LOG_FILE = '/var/log/prolo-bootstrap.log';

export function openLog(): Log {
  const log = createWriteStream(LOG_FILE, { mode: 0o640, flags: 'a' });
  log.on('error', () => undefined); // a live system without room for it
  return { write: (text) => log.write(text), end: () => new Promise((resolve) => log.end(() => resolve())) };
}

/** What may take long, and writes into the new system: it ends when this process does, or the next run would meet it. */
const LONG = new Set(['chroot', 'tar', 'mmdebstrap', 'pacstrap']);
const ENV = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' };

/** @throws ProloError with the program's words */
export async function call(
  { argv, input }: { argv: readonly string[]; input?: string },
  name: string,
  log: Log,
  say: (what: string) => void,
): Promise<void> {
  log.write(`# ${argv.join(' ')}\n`);
  const failed = (lines: readonly string[]): ProloError =>
    complaintOf(
      lines,
      `bootstrap: ${name}: ${argv[0]}`,
      `all that was said is in ${LOG_FILE}; then the same command again goes on`,
    );
  if (!LONG.has(argv[0]!) || input !== undefined) {
    const { exitCode, stdout, stderr } = await run(argv, {
      timeoutMs: 600_000,
      env: ENV,
      ...(input === undefined ? {} : { input }),
    });
    log.write(stdout + stderr);
    if (exitCode !== 0) throw failed([stderr.trim() || stdout.trim()].join('\n').split('\n'));
    return;
  }
  const phases = readPhases();
  const last: string[] = [];
  const onLine = (line: string): void => {
    log.write(`${line}\n`);
    last.push(line);
    if (last.length > 20) last.shift();
    const news = phases.take(line);
    if (news !== undefined) say(news);
  };
  const env = name === 'base' ? { ...ENV, INITRD: 'No' } : ENV;
  if ((await runLines(leashed(argv), onLine, { env })) === 0) return;
  const complaints = phases.complaints();
  throw failed(complaints.length > 0 ? complaints : last);
}
