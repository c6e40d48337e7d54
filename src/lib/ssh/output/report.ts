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
  for await (const bytes of wholeCharacters(output.read())) {
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

/** The same bytes, in pieces that end with a character: a terminal is shown each for itself. */
export async function* wholeCharacters(pieces: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let begun: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    const bytes = begun.length > 0 ? Buffer.concat([begun, piece]) : piece;
    const end = bytes.length - begunBytes(bytes);
    begun = Buffer.from(bytes.subarray(end));
    if (end > 0) yield bytes.subarray(0, end);
  }
  if (begun.length > 0) yield begun;
}

/** How many bytes at its end are the beginning of a UTF-8 character, or of a line's end, whose rest is to come. */
function begunBytes(bytes: Buffer): number {
  if (bytes.at(-1) === 13) return 1;
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes.at(-back)!;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    if (length > 1) return length > back ? back : 0;
    if (byte < 0x80) return 0;
  }
  return 0;
}
