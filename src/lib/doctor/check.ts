import { ProloError } from '../errors.ts';
import type { MdbView } from '../netboot/view.ts';
import type { Site } from '../site/site.ts';
import type { Store } from '../store/store.ts';

/** red: something does not work, or soon will not. yellow: worth a look, or it could not be looked at. */
export type Colour = 'green' | 'yellow' | 'red';

/** What is so, object first, and the command (or the deed) that mends it. */
export interface Finding {
  colour: Colour;
  what: string;
  fix?: string;
  /** Where it was found, with `--from`; `what` and `fix` name them too. */
  machines?: string[];
}

/** What a check has to go by. */
export interface Patient {
  site: Site;
  /** The database, its schema as it is. @throws ProloError where this host has none, or it does not answer */
  store(): Promise<Store>;
  /** MDB, and what is booted, read once for all checks. */
  mdb(): Promise<MdbView>;
  /** Once it is aborted nobody waits for an answer any more. */
  signal: AbortSignal;
  /** Where the kernel tells what it knows: `/proc`, `/sys`. */
  proc: string;
  sys: string;
  now(): number;
}

/** One thing that is looked at, on the gateway or (`P`) elsewhere: one half gathers, the other decides. */
export interface Check<F = unknown, P = Patient> {
  /** What `--only` names. */
  name: string;
  /** What it is about, for people. */
  subject: string;
  gather(patient: P): Promise<F>;
  /** Nothing found is green, and says nothing of it. */
  decide(facts: F): Finding[];
}

/** Keeps a check's two halves to one kind of facts, and forgets which. */
export function check<F, P = Patient>(one: Check<F, P>): Check<unknown, P> {
  return { ...one, decide: (facts) => one.decide(facts as F) };
}

/** Thrown by a gathering half that cannot look from here: yellow, since nothing is known. */
export class NotChecked extends ProloError {
  constructor(why: string, hint?: string) {
    super('unavailable', why, hint === undefined ? {} : { hint });
  }
}

export const green = (what: string): Finding => ({ colour: 'green', what });
export const yellow = (what: string, fix?: string): Finding => finding('yellow', what, fix);
export const red = (what: string, fix?: string): Finding => finding('red', what, fix);

function finding(colour: Colour, what: string, fix: string | undefined): Finding {
  return fix === undefined ? { colour, what } : { colour, what, fix };
}

const ORDER: Record<Colour, number> = { green: 0, yellow: 1, red: 2 };

export function worst(findings: readonly { colour: Colour }[]): Colour {
  return findings.reduce<Colour>(
    (colour, one) => (ORDER[one.colour] > ORDER[colour] ? one.colour : colour),
    'green',
  );
}
