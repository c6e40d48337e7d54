import type { Outcome } from '../protocol.ts';
import type { Answer } from './answers.ts';
import { diffOutputs } from './diff.ts';
import { prefixLines } from './prefixed.ts';
import type { Spool } from './spool.ts';
import { nodesOf, reasonOf } from './summary.ts';
import type { Writer } from './writer.ts';

/** Each answer once, below those who gave it: what they wrote to stdout as it is, lines of stderr behind `stderr: `. */
export async function reportAnswers(answers: readonly Answer[], out: Writer): Promise<void> {
  for (const answer of answers) {
    out.title(titleOf(answer));
    await writeAll(answer.stdout, out);
    await writeStderr(answer.stderr, out);
  }
}

/** The commonest answer, and how each other one differs from it. */
export async function reportDiffs([common, ...others]: readonly Answer[], out: Writer): Promise<void> {
  if (!common) return;
  await reportAnswers([common], out);
  for (const answer of others) {
    out.title(titleOf(answer));
    let isSame = true;
    for (const stream of ['stdout', 'stderr'] as const) {
      const names = [common, answer].map(({ outcomes }) => `${nodesOf(outcomes)} ${stream}`);
      const diff = await diffOutputs([common[stream], answer[stream]], [names[0]!, names[1]!]);
      if (diff.length > 0) isSame = false;
      await out.bytes(diff);
    }
    if (isSame) out.title('the same output');
  }
}

/** `== pas-r[01-12]p[01-08] (94): exit status 1` */
function titleOf({ outcomes, stdout, stderr }: Answer): string {
  const [first] = outcomes as [Outcome];
  const end = first.status === 'ok' ? '' : `: ${reasonOf(first)}`;
  const silent = stdout.bytes + stderr.bytes === 0 ? ': no output' : '';
  return `== ${nodesOf(outcomes)}${end}${silent}`;
}

async function writeAll(output: Spool, out: Writer): Promise<void> {
  let last: number | undefined;
  for await (const bytes of output.read()) {
    await out.bytes(bytes);
    last = bytes.at(-1);
  }
  if (last !== undefined && last !== 10) await out.bytes(Buffer.from('\n'));
}

async function writeStderr(output: Spool, out: Writer): Promise<void> {
  const lines = prefixLines('stderr: ', 'stderr+ ');
  for await (const bytes of output.read()) {
    const whole = lines.add(bytes);
    if (whole) await out.bytes(whole);
  }
  const rest = lines.end();
  if (rest) await out.bytes(rest);
}
