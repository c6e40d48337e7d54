import type { TObject } from 'typebox';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { ProloError } from '../errors.ts';
import type { Update } from '../store/change-log.ts';

/**
 * What a publisher sent, as updates.
 * @param record the schema of a record; of its fields only `pk` is required here
 * @throws ProloError `bad-input` that names the update, the field, and what was expected
 */
export function parseUpdates(text: string, pk: string, record: TObject): Update<object>[] {
  let updates: unknown;
  try {
    updates = JSON.parse(text);
  } catch (error) {
    throw new ProloError('bad-input', `data: no JSON: ${(error as Error).message}`, { cause: error });
  }
  if (!Array.isArray(updates))
    throw new ProloError('bad-input', 'data: expected a list of {"type": "update" or "delete", "data": {…}}');
  const fields = Type.Partial(record, { additionalProperties: false });
  const schema = Type.Object(
    { type: Type.Enum(['update', 'delete']), data: fields },
    { additionalProperties: false },
  );
  for (const [index, update] of updates.entries()) {
    const [error] = Value.Check(schema, update) ? [] : Value.Errors(schema, update);
    if (error) throw new ProloError('bad-input', `update ${index}: ${explain(error)}`);
    if ((update as Update).data[pk] === undefined)
      throw new ProloError('bad-input', `update ${index}: data.${pk}: missing`);
  }
  return updates as Update<object>[];
}

function explain(error: { instancePath: string; message: string; params?: object }): string {
  const path = error.instancePath.split('/').slice(1).join('.') || 'the update';
  const { additionalProperties } = (error.params ?? {}) as { additionalProperties?: string[] };
  const unknown = additionalProperties?.map((name) => JSON.stringify(name.slice(0, 40))).slice(0, 3);
  return `${path}: ${unknown ? `unknown field ${unknown.join(', ')}` : error.message}`;
}
