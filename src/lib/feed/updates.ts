import type { TObject } from 'typebox';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { ProloError } from '../errors.ts';
import { quote } from '../mdb/validate.ts';
import type { Update } from '../store/change-log.ts';

/** Reads what a publisher sent. @throws ProloError `bad-input` that names the update, the field, and what was expected */
export type ParseUpdates = (text: string) => Update<object>[];

/**
 * A reader for one feed. Of several updates of one record the last counts, as it does for a subscriber.
 * @param record the schema of a record; of its fields only `pk` is required here
 */
export function createUpdatesParser(pk: string, record: TObject): ParseUpdates {
  const schema = Compile(
    Type.Object(
      {
        type: Type.Enum(['update', 'delete']),
        data: Type.Partial(record, { additionalProperties: false }),
      },
      { additionalProperties: false },
    ),
  );
  return (text) => {
    const latest = new Map<unknown, Update<object>>();
    for (const [index, update] of parseList(text).entries()) {
      const where = `update ${index + 1}`;
      if (!schema.Check(update))
        throw new ProloError('bad-input', `${where}: ${explain(schema.Errors(update))}`);
      const { data } = update as Update;
      if (data[pk] === undefined) throw new ProloError('bad-input', `${where}: data.${pk}: missing`);
      latest.delete(data[pk]);
      latest.set(data[pk], update as Update);
    }
    return [...latest.values()];
  };
}

function parseList(text: string): unknown[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    throw new ProloError('bad-input', `data: no JSON: ${(error as Error).message}`, { cause: error });
  }
  if (Array.isArray(list)) return list;
  throw new ProloError('bad-input', 'data: expected a list of {"type": "update" or "delete", "data": {…}}');
}

/** What is wrong first; an unknown field by its name. */
function explain(
  errors: { keyword: string; instancePath: string; message: string; params?: object }[],
): string {
  for (const { keyword, instancePath, message, params } of errors) {
    if (keyword === 'boolean') continue; // says the same as additionalProperties, without the name
    const path = instancePath.split('/').slice(1).join('.') || 'the update';
    const [unknown] = (params as { additionalProperties?: string[] } | undefined)?.additionalProperties ?? [];
    return `${path}: ${unknown === undefined ? message : `unknown field ${quote(unknown)}`}`;
  }
  return 'not an update';
}
