import { RE2JS } from 're2js';
import { normalizeMac } from '../mdb/validate.ts';
import { parseIp } from '../net.ts';
import { RpcException } from './exception.ts';

type Value = string | number;

/** A field that a query may name. */
export interface FilterField<R> {
  /** How its values compare: `ip` as numbers, `mac` in any notation. */
  type: 'text' | 'number' | 'ip' | 'mac';
  description: string;
  /** Where one record has several values (a machine's names), any of which may match. */
  values?(record: R): readonly Value[];
}
export type FilterFields<R> = Record<string, FilterField<R>>;

interface Field {
  name: string;
  type: FilterField<never>['type'];
}
type Test = (value: Value) => boolean;

const MAX_LIST = 10_000;
const MAX_PATTERN = 1000;
/** A regex's size times the characters it reads. RE2 is linear in both; this is about two seconds of it. */
const MAX_REGEX_STEPS = 32_000_000;

/**
 * The records that match all filters, in their order. A filter is a field's name, or `field__lookup` in Django's syntax,
 * with its value; no field is ever null.
 * @throws RpcException `FieldError` for another field or lookup, `ValueError` and `TypeError` for a bad value
 */
export function filterRecords<R extends Record<string, unknown>>(
  records: readonly R[],
  filters: Readonly<Record<string, unknown>>,
  fields: FilterFields<R>,
): R[] {
  const tests = Object.entries(filters).map(([key, raw]) => compileFilter(key, raw, fields));
  return records.filter((record) => tests.every((test) => test(record)));
}

function compileFilter<R extends Record<string, unknown>>(
  key: string,
  raw: unknown,
  fields: FilterFields<R>,
): (record: R) => boolean {
  const split = key.indexOf('__');
  const name = split < 0 ? key : key.slice(0, split);
  const lookup = split < 0 ? 'exact' : key.slice(split + 2);
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (!field)
    throw new RpcException(
      'FieldError',
      `Cannot resolve keyword '${shorten(name)}' into field. Choices are: ${Object.keys(fields).sort().join(', ')}`,
    );
  if (!Object.hasOwn(LOOKUPS, lookup))
    throw new RpcException(
      'FieldError',
      `Unsupported lookup '${shorten(lookup)}' for field '${name}'. Choices are: ${Object.keys(LOOKUPS).join(', ')}`,
    );
  const test = compileTest(lookup, { name, type: field.type }, raw);
  if (field.values) return (record) => field.values!(record).some(test);
  return (record) => test(record[name] as Value);
}

function compileTest(lookup: string, field: Field, raw: unknown): Test {
  if (raw !== null || lookup === 'isnull') return LOOKUPS[lookup]!(field, raw);
  if (lookup === 'exact' || lookup === 'iexact') return () => false; // Django: is null
  throw new RpcException('ValueError', `Field '${field.name}': cannot use None as a query value`);
}

/** Django's lookups by name. */
const LOOKUPS: Record<string, (field: Field, raw: unknown) => Test> = {
  exact: ordered((a, b) => a === b),
  iexact: textual((a, b) => a === b, lower),
  contains: textual((a, b) => a.includes(b)),
  icontains: textual((a, b) => a.includes(b), lower),
  startswith: textual((a, b) => a.startsWith(b)),
  istartswith: textual((a, b) => a.startsWith(b), lower),
  endswith: textual((a, b) => a.endsWith(b)),
  iendswith: textual((a, b) => a.endsWith(b), lower),
  in(field, raw) {
    const items = asList(field, 'in', raw).filter((item) => item !== null);
    const wanted = new Set(items.map((item) => comparable(field, item)));
    return (value) => wanted.has(comparable(field, value));
  },
  gt: ordered((a, b) => a > b),
  gte: ordered((a, b) => a >= b),
  lt: ordered((a, b) => a < b),
  lte: ordered((a, b) => a <= b),
  regex: matching(0),
  iregex: matching(RE2JS.CASE_INSENSITIVE),
  isnull(field, raw) {
    if (typeof raw === 'boolean') return () => !raw;
    throw new RpcException('ValueError', `Field '${field.name}': isnull takes True or False`);
  },
  range(field, raw) {
    const items = asList(field, 'range', raw);
    if (items.length !== 2 || items.includes(null))
      throw new RpcException('ValueError', `Field '${field.name}': range takes two values`);
    const [first, last] = items.map((item) => comparable(field, item)) as [Value, Value];
    return (value) => {
      const at = comparable(field, value);
      return first <= at && at <= last;
    };
  },
};

function ordered(test: (a: Value, b: Value) => boolean) {
  return (field: Field, raw: unknown): Test => {
    const wanted = comparable(field, raw);
    return (value) => test(comparable(field, value), wanted);
  };
}

function textual(test: (a: string, b: string) => boolean, fold = (text: string): string => text) {
  return (field: Field, raw: unknown): Test => {
    const wanted = fold(asText(field, raw));
    return (value) => test(fold(String(value)), wanted);
  };
}

function lower(text: string): string {
  return text.toLowerCase();
}

function matching(flags: number) {
  return (field: Field, raw: unknown): Test => {
    const pattern = asText(field, raw);
    const regex = compileRegex(field, pattern, flags);
    const size = regex.programSize();
    let steps = 0;
    return (value) => {
      const text = String(value);
      steps += size * (text.length + 1);
      if (steps > MAX_REGEX_STEPS)
        throw new RpcException('ValueError', `Field '${field.name}': regex ${shorten(pattern)} is too large`);
      return regex.matcher(text).find();
    };
  };
}

/** RE2 has no back references and no look-around, and never needs exponential time. */
function compileRegex(field: Field, pattern: string, flags: number): RE2JS {
  try {
    if (pattern.length > MAX_PATTERN) throw new Error(`longer than ${MAX_PATTERN} characters`);
    return RE2JS.compile(pattern, flags);
  } catch (cause) {
    const why = (cause as Error).message.replace(/^error parsing regexp: /, '');
    throw new RpcException(
      'ValueError',
      `Field '${field.name}': regex ${shorten(pattern)}: ${why.slice(0, 200)}`,
      cause,
    );
  }
}

/** A value as `exact`, `in` and the comparisons see it; numbers may come as texts. */
function comparable(field: Field, raw: unknown): Value {
  if (field.type === 'number') {
    if (typeof raw === 'number') return raw;
    if (typeof raw === 'boolean') return Number(raw);
    if (typeof raw === 'string' && /^\s*[+-]?\d{1,15}\s*$/.test(raw)) return Number(raw);
    throw new RpcException(
      typeof raw === 'object' ? 'TypeError' : 'ValueError',
      `Field '${field.name}' expected a number but got ${describe(raw)}.`,
    );
  }
  const text = asText(field, raw);
  if (field.type === 'mac') return normalizeMac(text) ?? text;
  if (field.type === 'text') return text;
  const ip = parseIp(text.trim());
  if (ip !== undefined) return ip;
  throw new RpcException(
    'ValueError',
    `Field '${field.name}' expected an IPv4 address but got ${describe(raw)}.`,
  );
}

function asText(field: Field, raw: unknown): string {
  if (typeof raw === 'string') return raw;
  if (typeof raw === 'number') return String(raw);
  if (typeof raw === 'boolean') return raw ? 'True' : 'False';
  throw new RpcException('TypeError', `Field '${field.name}' expected a text but got ${describe(raw)}.`);
}

function asList(field: Field, lookup: string, raw: unknown): unknown[] {
  if (!Array.isArray(raw))
    throw new RpcException(
      'TypeError',
      `Field '${field.name}': ${lookup} takes a list, not ${describe(raw)}`,
    );
  if (raw.length > MAX_LIST)
    throw new RpcException('ValueError', `Field '${field.name}': ${lookup} takes at most ${MAX_LIST} values`);
  return raw as unknown[];
}

function describe(raw: unknown): string {
  if (raw === null) return 'None';
  if (typeof raw === 'object') return Array.isArray(raw) ? 'a list' : 'an object';
  return typeof raw === 'string' ? `'${shorten(raw)}'` : JSON.stringify(raw);
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** The names of all lookups. */
export const LOOKUP_NAMES: readonly string[] = Object.keys(LOOKUPS);
