import type { Outcome, Sink } from '../protocol.ts';
import { createSpool, type Spool } from './spool.ts';

/** What some machines said, the same to the byte, and how it ended. */
export interface Answer {
  outcomes: Outcome[];
  stdout: Spool;
  stderr: Spool;
}

export interface Gathered {
  sink: Sink;
  /** The commonest first. */
  answers(): Answer[];
  /** Hashes of what a machine that has ended said. */
  digestsOf(hostname: string): { stdoutSha256: string; stderrSha256: string } | undefined;
  close(): Promise<void>;
}

/** Keeps all output; identical answers once. */
export function gatherAnswers(spool: () => Spool = createSpool): Gathered {
  const open = new Map<string, Pick<Answer, 'stdout' | 'stderr'>>();
  const byKey = new Map<string, Answer>();
  const digests = new Map<string, { stdoutSha256: string; stderrSha256: string }>();
  const spoolsOf = (hostname: string): Pick<Answer, 'stdout' | 'stderr'> => {
    let own = open.get(hostname);
    if (!own) open.set(hostname, (own = { stdout: spool(), stderr: spool() }));
    return own;
  };
  return {
    sink: {
      write: (hostname, stream, chunk) => spoolsOf(hostname)[stream].add(chunk),
      async end(outcome) {
        if (!isAnswer(outcome) && !open.has(outcome.hostname)) return;
        const { stdout, stderr } = spoolsOf(outcome.hostname);
        open.delete(outcome.hostname);
        const hashes = { stdoutSha256: stdout.digest(), stderrSha256: stderr.digest() };
        digests.set(outcome.hostname, hashes);
        const { status, exitCode, signal } = outcome;
        const key = JSON.stringify([status, exitCode, signal, hashes]);
        const same = byKey.get(key);
        if (!same) return void byKey.set(key, { outcomes: [outcome], stdout, stderr });
        same.outcomes.push(outcome);
        await Promise.all([stdout.close(), stderr.close()]);
      },
    },
    answers: () => sortAnswers([...byKey.values()]),
    digestsOf: (hostname) => digests.get(hostname),
    async close() {
      const all = [...open.values(), ...byKey.values()];
      await Promise.all(all.flatMap(({ stdout, stderr }) => [stdout.close(), stderr.close()]));
    },
  };
}

/** Whether its command ran to an end: then silence is an answer too. */
function isAnswer({ status }: Outcome): boolean {
  return status === 'ok' || status === 'failed';
}

/** By how many they are; of as many, by name. */
function sortAnswers(answers: readonly Answer[]): Answer[] {
  const firstOf = ({ outcomes }: Answer): string =>
    outcomes.reduce((first, { hostname }) => (hostname < first ? hostname : first), '\uffff');
  return answers
    .map((answer) => ({ answer, first: firstOf(answer) }))
    .sort((a, b) => b.answer.outcomes.length - a.answer.outcomes.length || (a.first < b.first ? -1 : 1))
    .map(({ answer }) => answer);
}
