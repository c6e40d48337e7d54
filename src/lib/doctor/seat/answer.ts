import type { Outcome as Ended } from '../../ssh/protocol.ts';
import { type Finding, worst } from '../check.ts';
import type { Outcome } from '../examine.ts';
import { NODES } from './order.ts';

/** As much of a machine's own words as fits in a line of ours. */
const MAX_CHARS = 400;
/** More than any machine of ours has to say; one that says more must not fill the page. */
const [MAX_CHECKS, MAX_FINDINGS] = [50, 50];
/** A machine that says more than this says nothing. */
const MAX_BYTES = 200_000;
const COLOURS: readonly unknown[] = ['green', 'yellow', 'red'];

/** Keeps what machines say, by machine: their answers, and their complaints, which are no part of those. */
export function hearMachines() {
  const heard = new Map<string, { parts: Buffer[]; bytes: number }>();
  const text = (key: string): string => Buffer.concat(heard.get(key)?.parts ?? []).toString('utf8');
  return {
    write(hostname: string, stream: 'stdout' | 'stderr', chunk: Buffer): void {
      const key = `${stream} ${hostname}`;
      const one = heard.get(key) ?? { parts: [], bytes: 0 };
      if (one.bytes >= MAX_BYTES) return;
      one.parts.push(chunk);
      one.bytes += chunk.length;
      heard.set(key, one);
    },
    answerOf: (hostname: string): string => text(`stdout ${hostname}`),
    complaintOf: (hostname: string): string => text(`stderr ${hostname}`),
  };
}

/** What a machine found, or why it said nothing that makes sense. @param complaint what it said beside its answer */
export function readAnswer(
  ended: Ended,
  text: string,
  complaint = '',
): Outcome[] | { what: string; fix: string } {
  const { status, exitCode, reason } = ended;
  if (status === 'failed' && exitCode === 127)
    return { what: 'it has no prolo', fix: 'prolo rfs commit for PCs, prolo install prolo for servers' };
  if (status !== 'ok' && status !== 'failed') {
    const fix =
      status === 'refused'
        ? `prolo ssh forget ${NODES}; is rootssh up there?`
        : `prolo ping ${NODES}; prolo wake ${NODES}`;
    return { what: reason ?? status, fix };
  }
  const outcomes = parseOutcomes(text);
  if (outcomes) return outcomes;
  const [last = ''] = (complaint.trim() || text.trim()).split('\n').slice(-1);
  return {
    what: `its prolo does not know what to look at${last ? `: ${last.slice(0, 100)}` : ''}`,
    fix: `prolo reboot ${NODES}: it runs another version of prolo`,
  };
}

function parseOutcomes(text: string): Outcome[] | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text.slice(text.indexOf('{')));
  } catch {
    return undefined;
  }
  const { checks } = answer as { checks?: unknown };
  if (!Array.isArray(checks) || checks.length > MAX_CHECKS) return undefined;
  const outcomes = checks.flatMap((one) => asOutcome(one as Partial<Outcome> | null) ?? []);
  return outcomes.length === checks.length ? outcomes : undefined;
}

/** What comes over the wire is text, and no more of it than a line. */
function asOutcome(one: Partial<Outcome> | null): Outcome | undefined {
  if (typeof one?.name !== 'string' || !Array.isArray(one.findings)) return undefined;
  const findings = (one.findings as (Partial<Finding> | null)[]).flatMap((finding): Finding[] => {
    const { colour, what, fix } = finding ?? {};
    if (!COLOURS.includes(colour) || typeof what !== 'string') return [];
    return [
      {
        colour: colour!,
        what: what.slice(0, MAX_CHARS),
        ...(typeof fix === 'string' ? { fix: fix.slice(0, MAX_CHARS) } : {}),
      },
    ];
  });
  if (findings.length === 0 || findings.length > MAX_FINDINGS) return undefined;
  const ms = Number.isFinite(one.ms) ? one.ms! : 0;
  return { name: one.name, subject: '', colour: worst(findings), findings, ms };
}
