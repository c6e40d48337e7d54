import { printable } from '../cli/table.ts';
import type { Checked } from './verify-decide.ts';

/** One line of a run. */
export function describeChecked({ hostname, version, found, files, reason, repaired }: Checked): string {
  const what = {
    whole: repaired ? 'mended, whole now' : 'whole',
    damaged: `DAMAGED: ${files.join(', ')}`,
    lacking: 'NOT THERE',
    absent: 'not there, and nobody needs it',
    unknown: `not known: ${printable(reason)}`,
  }[found];
  return `${hostname}: version ${version}: ${what}`;
}
