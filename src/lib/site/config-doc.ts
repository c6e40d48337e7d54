import { Value } from 'typebox/value';
import { ConfigSchema } from './schema.ts';

interface Schema {
  description?: string;
  default?: unknown;
  type?: string;
  enum?: readonly unknown[];
  properties?: Record<string, Schema>;
  items?: Schema;
  patternProperties?: Record<string, Schema>;
}

/** docs/config.md: every key of prolo.yml with its meaning and its default, from the schema that checks it. */
export function renderConfigDoc(): string {
  const defaults = Value.Default(ConfigSchema, {}) as Record<string, unknown>;
  const rows = keysOf(ConfigSchema as Schema, '', defaults);
  return [
    '# prolo.yml',
    '',
    'Every key, what it means, and its default (the values of Prologin SADM). A key that is not here, or a value that does not',
    'fit, is refused with its path. Relative paths start at the folder of prolo.yml.',
    '',
    '| key | meaning | default |',
    '| --- | --- | --- |',
    ...rows.map(
      ([key, meaning, value]) =>
        `| \`${key}\` | ${cell(meaning)} | ${value === undefined ? '' : `\`${cell(JSON.stringify(value))}\``} |`,
    ),
    '',
  ].join('\n');
}

type Row = [key: string, meaning: string, value: unknown];

function keysOf(schema: Schema, path: string, value: unknown): Row[] {
  const at = (key: string): string => (path ? `${path}.${key}` : key);
  if (schema.properties)
    return Object.entries(schema.properties).flatMap(([key, inner]) =>
      keysOf(inner, at(key), (value as Record<string, unknown> | undefined)?.[key]),
    );
  const row: Row = [path, describe(schema), value];
  const inner = schema.items ?? Object.values(schema.patternProperties ?? {})[0];
  if (!inner?.properties) return [row];
  return [row, ...keysOf(inner, at(schema.items ? '[]' : 'NAME'), undefined)];
}

function describe(schema: Schema): string {
  return schema.description ?? (schema.enum ? schema.enum.join(', ') : '');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
