/** What of JSON Schema the config's schema may use; `checkAgainst` knows no more. */
export interface Schema {
  readonly description?: string;
  readonly default?: unknown;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: false;
}

export interface Problem {
  /** Keys and indexes, joined by dots; empty for the value itself. */
  path: string;
  what: string;
}

/** What the schema's `format`s accept, and how that is called. */
export type Formats = Readonly<Record<string, { words: string; accepts: (text: string) => boolean }>>;

/**
 * A frozen copy of `value` with the schema's defaults filled in, and what is wrong with it. No key gets in that the schema
 * does not name, under a pattern neither. Every start of `prolo` runs this, so it is small: typebox's own checker takes longer to load than all else.
 */
export function checkAgainst(
  schema: Schema,
  value: unknown,
  formats: Formats,
): { value: unknown; problems: Problem[] } {
  const problems: Problem[] = [];
  return { value: check(schema, value, '', { formats, problems }), problems };
}

interface Context {
  formats: Formats;
  problems: Problem[];
}

function check(schema: Schema, given: unknown, path: string, context: Context): unknown {
  const value = given === undefined ? schema.default : given;
  if (schema.anyOf) return checkAny(schema, schema.anyOf, value, path, context);
  const rule = brokenRule(schema, value, context.formats);
  if (rule) {
    const expected = schema.description ? `${schema.description} (${rule})` : rule;
    context.problems.push({ path, what: `expected ${expected}, got ${shown(value)}` });
  } else if (Array.isArray(value) && schema.items) {
    const { items } = schema;
    return Object.freeze(value.map((item, i) => check(items, item, join(path, String(i)), context)));
  } else if (isObject(value)) return checkKeys(schema, value, path, context);
  return value;
}

/** JSON Schema's types as people call them who write YAML. */
const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
};

/** The rule that a value breaks, apart from what is inside it. */
function brokenRule(schema: Schema, value: unknown, formats: Formats): string | undefined {
  const { type, pattern, format, minLength = 0, maxLength = Infinity } = schema;
  const { minimum = -Infinity, maximum = Infinity, minItems = 0, maxItems = Infinity } = schema;
  if (type !== undefined && !isOfType(value, type)) return TYPES[type] ?? type;
  if ('const' in schema && value !== schema.const) return shown(schema.const);
  if (schema.enum && !schema.enum.includes(value)) return `one of ${schema.enum.join(', ')}`;
  if (typeof value === 'string') {
    if (value.length < minLength) return minLength === 1 ? 'not empty' : `at least ${minLength} characters`;
    if (value.length > maxLength) return `at most ${maxLength} characters`;
    if (pattern !== undefined && !new RegExp(pattern, 'u').test(value)) return `a text like ${pattern}`;
    if (format !== undefined && !formats[format]!.accepts(value)) return formats[format]!.words;
  }
  if (typeof value === 'number') {
    if (value < minimum) return `at least ${minimum}`;
    if (value > maximum) return `at most ${maximum}`;
  }
  if (Array.isArray(value)) {
    if (value.length < minItems) return `at least ${minItems} of them`;
    if (value.length > maxItems) return `at most ${maxItems} of them`;
  }
  return undefined;
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isObject(value);
  if (type === 'integer') return Number.isInteger(value);
  return type === 'number' ? Number.isFinite(value) : typeof value === type;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checkKeys(schema: Schema, value: Record<string, unknown>, path: string, context: Context): unknown {
  const { properties = {}, required = [] } = schema;
  const patterns = Object.entries(schema.patternProperties ?? {});
  const filled: Record<string, unknown> = {};
  const fill = (key: string, inner: Schema): void => {
    filled[key] = check(inner, value[key], join(path, key), context);
  };
  for (const [key, inner] of Object.entries(properties))
    if (Object.hasOwn(value, key) || inner.default !== undefined) fill(key, inner);
    else if (required.includes(key))
      context.problems.push({
        path: join(path, key),
        what: `expected ${inner.description ?? TYPES[inner.type ?? ''] ?? 'a value'}, got nothing`,
      });
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(properties, key)) continue;
    const pattern = patterns.find(([text]) => new RegExp(text, 'u').test(key));
    const known = Object.keys(properties).join(', ');
    if (pattern) fill(key, pattern[1]);
    else
      context.problems.push({
        path: join(path, key),
        what: known
          ? `unknown key; known here: ${known}`
          : 'a bad name; expected a text like ' + patterns.map(([text]) => text).join(' or '),
      });
  }
  return Object.freeze(filled);
}

/** The first alternative that fits; where none does, what is wrong with the one whose constants do. */
function checkAny(
  schema: Schema,
  alternatives: readonly Schema[],
  value: unknown,
  path: string,
  { formats, problems }: Context,
): unknown {
  const tries = alternatives.map((alternative) => {
    const context: Context = { formats, problems: [] };
    return { alternative, value: check(alternative, value, path, context), ...context };
  });
  const fits = tries.find((one) => one.problems.length === 0);
  if (fits) return fits.value;
  const meant = tries.find(({ alternative }) => hasConstants(alternative, value));
  if (meant) problems.push(...meant.problems);
  else
    problems.push({ path, what: `expected ${schema.description ?? 'something else'}, got ${shown(value)}` });
  return value;
}

function hasConstants(schema: Schema, value: unknown): boolean {
  const constants = Object.entries(schema.properties ?? {}).filter(([, inner]) => 'const' in inner);
  return (
    isObject(value) && constants.length > 0 && constants.every(([key, inner]) => value[key] === inner.const)
  );
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** A value as an error shows it: short, and never an error itself (YAML can make a list that holds itself). */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'a map';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
