import { Type } from 'typebox';

/** Of every section: a key that is not known is an error. */
export const strict = { additionalProperties: false } as const;
export const text = (description: string, value: string) => Type.String({ description, default: value });
/** Of a DNS name, in a regular expression. */
export const label = '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$';
/** A program and its arguments. */
export const argv = (description: string, value: string[] = []) =>
  Type.Array(Type.String({ minLength: 1 }), { description, default: value });
export const checks = Type.Enum(['required', 'if-present'], {
  description: 'if-present: a checker or reload program that is not installed is a warning, not an error',
  default: 'required',
});
/** In the unit that its key ends with. */
export const duration = (description: string, value: number) =>
  Type.Integer({ minimum: 0, description, default: value });
