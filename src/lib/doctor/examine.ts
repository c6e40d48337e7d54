import { asProloError, ProloError } from '../errors.ts';
import {
  type Check,
  type Colour,
  type Finding,
  NotChecked,
  type Patient,
  red,
  worst,
  yellow,
} from './check.ts';

export interface Outcome {
  name: string;
  subject: string;
  colour: Colour;
  findings: Finding[];
  ms: number;
}

/** Longer than any of a check's own limits: only a check that hangs meets it. */
export const LIMIT_MS = 8_000;

/** All checks side by side, each ended in time. In the order of `checks`. */
export function examine<P extends { signal: AbortSignal } = Patient>(
  checks: readonly Check<unknown, P>[],
  patient: Omit<P, 'signal'>,
  {
    limitMs = LIMIT_MS,
    onDone,
    again = (name) => `prolo doctor --only ${name}`,
  }: {
    limitMs?: number;
    onDone?(outcome: Outcome): void;
    /** What looks at that alone: a host may only have been too busy for all of it. */
    again?(name: string): string;
  } = {},
): Promise<Outcome[]> {
  return Promise.all(
    checks.map(async (one) => {
      const startedMs = performance.now();
      const findings = await look(one, patient, limitMs, again(one.name));
      const ms = Math.round(performance.now() - startedMs);
      const outcome = { name: one.name, subject: one.subject, colour: worst(findings), findings, ms };
      onDone?.(outcome);
      return outcome;
    }),
  );
}

async function look<P extends { signal: AbortSignal }>(
  one: Check<unknown, P>,
  patient: Omit<P, 'signal'>,
  limitMs: number,
  hint: string,
): Promise<Finding[]> {
  const ended = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      ended.abort();
      reject(new ProloError('failed', `no answer in ${limitMs / 1000} s`, { hint }));
    }, limitMs);
  });
  try {
    return one.decide(
      await Promise.race([one.gather({ ...patient, signal: ended.signal } as unknown as P), late]),
    );
  } catch (error) {
    return [ofError(error)];
  } finally {
    clearTimeout(timer);
    ended.abort();
  }
}

/** What the site's files say wrongly, or this host is not, is the matter of other checks. */
function ofError(error: unknown): Finding {
  const { kind, message, hint } = asProloError(error);
  if (error instanceof NotChecked || kind === 'config') return yellow(`not checked: ${message}`, hint);
  return red(message, hint);
}
