import { ProloError } from '../errors.ts';
import type { MachineRecord } from '../mdb/record.ts';

/** As in SADM's `pssh`. */
export const REGEX_FIELDS = ['hostname', 'ip', 'mac', 'rfs', 'hfs', 'mtype', 'room'] as const;
export type RegexField = (typeof REGEX_FIELDS)[number];
export type FieldRegexes = Partial<Record<RegexField, string | undefined>>;

/**
 * The machines in each of whose fields that field's regular expression is found, in any case of letters: `--room pas` is all
 * rooms with `pas` in their name, `--rfs '^1$'` is RFS 1 alone. Aliases are no hostnames here.
 * @throws ProloError `bad-input` for what is no regular expression, and for an empty one: a variable that was not set
 */
export async function matchFields(
  machines: readonly MachineRecord[],
  regexes: FieldRegexes,
): Promise<readonly MachineRecord[]> {
  const given = REGEX_FIELDS.filter((field) => regexes[field] !== undefined);
  if (given.length === 0) return machines;
  const empty = given.find((field) => regexes[field] === '');
  if (empty) throw new ProloError('bad-input', `--${empty}: empty`, { hint: "'.' is found in everything" });
  const { filterRecords } = await import('../rpc/filter.ts');
  return given.reduce((left, field) => {
    try {
      const fields = { [field]: { type: 'text', description: '' } } as const;
      return filterRecords(left, { [`${field}__iregex`]: regexes[field] }, fields);
    } catch (cause) {
      const why = (cause as Error).message.replace(/^Field '\w+': /, '');
      throw new ProloError('bad-input', `--${field}: ${why}`, {
        hint: 'node sets such as pas-r[01-12]p* are words of their own, not behind an option',
        cause,
      });
    }
  }, machines);
}
