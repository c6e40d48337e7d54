import { asProloError, ProloError } from '../errors.ts';
import type { Site } from '../site/site.ts';
import { isIPv4 } from 'node:net';
import { findMachine } from '../mdb/find.ts';
import { CHECKS } from './catalogue.ts';
import { check, type Check, red } from './check.ts';
import { examine, type Outcome } from './examine.ts';
import { openPatient } from './patient.ts';
import { SEAT_CHECKS } from './seat/look.ts';
import { gatherSso, walkSso } from './sso.ts';

/** @param names none: all checks. @throws ProloError `bad-input` for a name that is none */
export const chooseChecks = (names: readonly string[]): readonly Check[] => choose(CHECKS, names);

/** Those that machines themselves do. @throws ProloError `bad-input` for a name that is none */
export const chooseSeatChecks = (names: readonly string[]) => choose(SEAT_CHECKS, names);

function choose<T extends { name: string }>(checks: readonly T[], names: readonly string[]): readonly T[] {
  const unknown = names.find((name) => !checks.some((check) => check.name === name));
  if (unknown !== undefined)
    throw new ProloError('bad-input', `check ${unknown}: unknown`, {
      hint: `checks: ${checks.map(({ name }) => name).join(', ')}`,
    });
  return checks.filter(({ name }) => names.length === 0 || names.includes(name));
}

/** A prolo.yml that is wrong is a finding too, and the only one: nothing else can be looked at without it. */
export async function examineSite(
  load: () => Promise<Site>,
  checks: readonly Check[],
  onDone?: (outcome: Outcome) => void,
): Promise<Outcome[]> {
  let site: Site;
  try {
    site = await load();
  } catch (error) {
    const { message, hint, kind } = asProloError(error);
    if (kind !== 'config') throw error;
    const findings = [red(message, hint)];
    return [{ name: 'config', subject: 'prolo.yml', colour: 'red', findings, ms: 0 }];
  }
  const patient = openPatient(site);
  try {
    return await examine(checks, patient, onDone ? { onDone } : {});
  } finally {
    await patient.close();
  }
}

/**
 * The way from an address to a login.
 * @param seat an address, or a machine of MDB
 * @throws ProloError `not-found` for a name that MDB does not have, `unavailable` where MDB cannot be read
 */
export async function walkSsoAt(site: Site, seat: string, page?: string): Promise<Outcome> {
  const patient = openPatient(site);
  try {
    const ip = isIPv4(seat) ? seat : findMachine([...(await patient.mdb()).byMac.values()], seat).ip;
    const walk = check({
      name: 'sso',
      subject: `who sits at ${ip}`,
      gather: (opened) => gatherSso(opened, ip, page),
      decide: walkSso,
    });
    const [outcome] = await examine([walk], patient);
    return outcome!;
  } finally {
    await patient.close();
  }
}
