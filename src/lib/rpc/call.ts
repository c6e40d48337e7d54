import { type TObject, type TSchema } from 'typebox';
import { Value } from 'typebox/value';
import type { SecretName } from '../site/secrets.ts';
import { RpcException } from './exception.ts';
import type { FilterFields } from './filter.ts';
import { checkToken } from './token.ts';

export interface Caller {
  ip: string;
}

/** A method that may be called. */
export interface RpcMethod {
  /** A sentence for people. */
  description: string;
  /** Callers show a token for the method's name, made with this secret. */
  secret?: SecretName;
  /** Its parameters, checked; positional arguments fill them in this order. None: all keywords go to `run`, to be checked there. */
  params?: TObject;
  /** The filters that keywords are; for the description only. */
  filters?: FilterFields<never>;
  /** What it returns; for the description only. */
  result: TSchema;
  run(kwargs: Record<string, unknown>, caller: Caller): Promise<unknown>;
}
export type RpcMethods = Record<string, RpcMethod>;

/** What a request says. */
export interface RpcCall {
  args: unknown[];
  kwargs: Record<string, unknown>;
  hmac: unknown;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A request's body; an empty one has no arguments, as a GET. @throws RpcException `MalformedRequest` */
export function parseCall(body: Uint8Array | undefined): RpcCall {
  if (!body?.length) return { args: [], kwargs: {}, hmac: undefined };
  const call = parseJson(body);
  if (!isObject(call)) throw malformed('body: expected an object with args, kwargs and hmac');
  const { args = [], kwargs = {}, hmac, ...rest } = call;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined)
    throw malformed(`body: unknown field ${JSON.stringify(unknown.slice(0, 60))}; known: args, kwargs, hmac`);
  if (!Array.isArray(args)) throw malformed('body: args: expected a list');
  if (!isObject(kwargs)) throw malformed('body: kwargs: expected an object');
  return { args: args as unknown[], kwargs, hmac };
}

function parseJson(body: Uint8Array): unknown {
  let text: string;
  try {
    text = utf8.decode(body);
  } catch (error) {
    throw new RpcException('JSONDecodeError', 'body: bytes that are no UTF-8', error);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RpcException(
      'JSONDecodeError',
      `body: not JSON: ${(error as Error).message.slice(0, 200)}`,
      error,
    );
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(message: string): RpcException {
  return new RpcException('MalformedRequest', message);
}

/** @throws RpcException `MissingToken`, `BadToken` */
export function authorizeCall(name: string, hmac: unknown, secret: string, nowMs: number): void {
  if (hmac === undefined || hmac === null || hmac === '')
    throw new RpcException('MissingToken', `${name}: a token is needed, in the field hmac`);
  if (!checkToken(hmac, secret, name, nowMs))
    throw new RpcException('BadToken', `${name}: the token is wrong, or not of now (within 120 s)`);
}

/** The arguments of a call by name, as Python would bind them. @throws RpcException `TypeError`, `ValueError` */
export function bindArguments(
  name: string,
  params: TObject | undefined,
  { args, kwargs }: RpcCall,
): Record<string, unknown> {
  if (!params) {
    if (args.length > 0)
      throw new RpcException(
        'TypeError',
        `${name}() takes no positional arguments but ${args.length} were given`,
      );
    return kwargs;
  }
  const names = Object.keys(params.properties);
  if (args.length > names.length)
    throw new RpcException(
      'TypeError',
      `${name}() takes ${names.length} positional arguments but ${args.length} were given`,
    );
  const positional = args.map((value, i): [string, unknown] => [names[i]!, value]);
  for (const key of Object.keys(kwargs)) {
    if (!names.includes(key))
      throw new RpcException(
        'TypeError',
        `${name}() got an unexpected keyword argument '${key.slice(0, 60)}'`,
      );
    if (names.indexOf(key) < args.length)
      throw new RpcException('TypeError', `${name}() got multiple values for argument '${key}'`);
  }
  const bound = Object.fromEntries([...positional, ...Object.entries(kwargs)]);
  const missing = names.find((key) => !Object.hasOwn(bound, key) && (params.required ?? []).includes(key));
  if (missing) throw new RpcException('TypeError', `${name}() missing required argument: '${missing}'`);
  const [error] = Value.Errors(params, bound);
  if (!error) return bound;
  const key = error.instancePath.split('/')[1] ?? '';
  const { description } = (params.properties[key] ?? {}) as { description?: string };
  const problem = description ? `expected ${description}` : error.message;
  throw new RpcException('ValueError', `${name}() argument '${key}': ${problem}`);
}
