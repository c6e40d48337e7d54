import { Type, type TSchema } from 'typebox';
import type { RpcMethod, RpcMethods } from './call.ts';
import { type FilterFields, LOOKUP_NAMES } from './filter.ts';

const Exception = Type.Object({
  type: Type.Literal('exception'),
  exn_type: Type.String(),
  exn_message: Type.String(),
  exn_traceback: Type.Array(Type.String()),
});

/** The OpenAPI description of a service's calls. */
export function describeRpc(service: { title: string; description: string }, methods: RpcMethods) {
  return {
    openapi: '3.1.0' as const,
    info: { title: service.title, description: service.description, version: '1' },
    servers: [{ url: '/' }],
    paths: Object.fromEntries(
      Object.entries(methods).map(([name, method]) => [`/call/${name}`, describe(method)]),
    ),
  };
}

function describe(method: RpcMethod) {
  const { description, secret } = method;
  const responses = {
    200: json('what it returned', Type.Object({ type: Type.Literal('result'), data: method.result })),
    400: json('no JSON, or no token', Exception),
    ...(secret ? { 403: json('the token is wrong, or not of now', Exception) } : {}),
    500: json('it raised: a filter or a value that is none', Exception),
  };
  const needsNothing = !secret && !method.params?.required?.length;
  return {
    ...(needsNothing ? { get: { summary: 'without arguments', description, responses } } : {}),
    post: {
      summary: secret ? `with a token of the secret ${secret}` : 'with arguments',
      description,
      requestBody: { content: { 'application/json': { schema: requestSchema(method) } } },
      responses,
    },
  };
}

function requestSchema({ params, filters, secret }: RpcMethod): TSchema {
  const kwargs = params ?? (filters ? filterSchema(filters) : Type.Object({}));
  return Type.Object({
    args: Type.Optional(Type.Array(Type.Any(), { description: 'positional arguments', example: [] })),
    kwargs: Type.Optional(kwargs),
    ...(secret
      ? {
          hmac: Type.String({
            description: `"<unix seconds>:<hex HMAC-SHA256(${secret}, method + unix seconds)>", good for 120 s`,
          }),
        }
      : {}),
  });
}

function filterSchema(fields: FilterFields<never>): TSchema {
  const example = Object.keys(fields)[0] ?? '';
  return Type.Object(
    Object.fromEntries(
      Object.entries(fields).map(([name, { type, description }]) => [
        name,
        Type.Optional(type === 'number' ? Type.Integer({ description }) : Type.String({ description })),
      ]),
    ),
    {
      description: `field, or field__lookup; lookups: ${LOOKUP_NAMES.join(', ')}. All must match.`,
      additionalProperties: true,
      example: { [`${example}__startswith`]: '' },
    },
  );
}

function json(description: string, schema: TSchema) {
  return { description, content: { 'application/json': { schema } } };
}
