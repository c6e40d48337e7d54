import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { ProloError } from '../errors.ts';
import { quote } from '../mdb/validate.ts';
import type { Update } from '../store/change-log.ts';
import type { UserInput, Wish } from './plan.ts';
import type { User } from './record.ts';

/** A record as a publisher sends it. `id` is UDB's own, and is not looked at. */
const Data = Type.Object(
  {
    login: Type.String({ minLength: 1, maxLength: 64 }),
    firstname: Type.Optional(Type.String()),
    lastname: Type.Optional(Type.String()),
    uid: Type.Optional(Type.Integer()),
    group: Type.Optional(Type.String()),
    password: Type.Optional(Type.String()),
    shell: Type.Optional(Type.String()),
    ssh_key: Type.Optional(Type.String()),
    id: Type.Optional(Type.Integer()),
  },
  { additionalProperties: false },
);

/**
 * What a batch of updates means for UDB as it is. A password that is the user's hash already keeps the plain one; any
 * other makes it unknown.
 * @throws ProloError `bad-input` that names the update
 */
export function decideUpdates(
  current: readonly User[],
  updates: readonly Update<object>[],
): { wishes: Wish[]; remove: User[] } {
  const users = new Map(current.map((user) => [user.login, user]));
  const seen = new Set<string>();
  const wishes: Wish[] = [];
  const remove: User[] = [];
  for (const [i, update] of updates.entries()) {
    const where = `update ${i + 1}`;
    if (update.type !== 'update' && update.type !== 'delete')
      throw new ProloError('bad-input', `${where}: type ${quote(update.type)} is neither update nor delete`);
    const data = checkData(where, update.data);
    const login = data.login.trim().toLowerCase();
    if (seen.has(login)) throw new ProloError('bad-input', `${where}: user ${quote(login)} is there twice`);
    seen.add(login);
    const user = users.get(login);
    if (update.type === 'update')
      wishes.push({ where, input: toInput(data, user), ...(user ? { user } : {}) });
    else if (user) remove.push(user);
  }
  return { wishes, remove };
}

function toInput(data: Static<typeof Data>, user: User | undefined): UserInput {
  const { password: hash, id: _id, ...rest } = data;
  if (hash === undefined || hash === user?.password) return rest;
  return { ...rest, password: { hash, sealed: null } };
}

function checkData(where: string, data: unknown): Static<typeof Data> {
  if (Value.Check(Data, data)) return data;
  for (const error of Value.Errors(Data, data)) {
    const { keyword, params, instancePath, message } = error as {
      keyword: string;
      params: { additionalProperties?: string[]; requiredProperties?: string[] };
      instancePath: string;
      message: string;
    };
    if (keyword === 'boolean') continue; // says the same as additionalProperties, without the name
    const unknown = params.additionalProperties?.[0];
    const text =
      unknown === undefined
        ? `${instancePath.slice(1) || 'data'}: ${message}`
        : `unknown field ${quote(unknown)}`;
    throw new ProloError('bad-input', `${where}: ${text}`, {
      hint: `a user's fields: ${Object.keys(Data.properties).join(', ')}`,
    });
  }
  throw new ProloError('bad-input', `${where}: not a user's record`);
}
