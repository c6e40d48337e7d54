import { expect } from 'chai';
import fc from 'fast-check';
import { Type } from 'typebox';
import { authorizeCall, bindArguments, parseCall } from '../../../src/lib/rpc/call.ts';
import { RpcException } from '../../../src/lib/rpc/exception.ts';
import { makeToken } from '../../../src/lib/rpc/token.ts';

function failure(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof RpcException) return `${error.httpStatus} ${error.exnType}: ${error.message}`;
    throw error;
  }
  return 'nothing was thrown';
}

describe('parseCall', () => {
  const good: [string, object][] = [
    ['', { args: [], kwargs: {}, hmac: undefined }],
    ['{}', { args: [], kwargs: {}, hmac: undefined }],
    ['{"args": [1], "kwargs": {"a": 2}, "hmac": "x"}\n', { args: [1], kwargs: { a: 2 }, hmac: 'x' }],
  ];
  for (const [body, call] of good)
    it(`takes ${body || 'nothing'}`, () => expect(parseCall(Buffer.from(body))).to.deep.equal(call));

  const bad: [string, string | Buffer, string][] = [
    ['no JSON', '{', '400 JSONDecodeError: body: not JSON: '],
    ['a form', 'data=1', '400 JSONDecodeError: body: not JSON: '],
    ['NUL bytes', '\0\0', '400 JSONDecodeError: body: not JSON: '],
    ['deep nesting that is not closed', '['.repeat(100_000), '400 JSONDecodeError: body: not JSON: '],
    [
      'bytes that are no UTF-8',
      Buffer.from('{"args": ["\xff"]}', 'latin1'),
      '400 JSONDecodeError: body: bytes that are no UTF-8',
    ],
    ['a list', '[]', '400 MalformedRequest: body: expected an object'],
    ['null', 'null', '400 MalformedRequest: body: expected an object'],
    ['a text', '"x"', '400 MalformedRequest: body: expected an object'],
    ['args of a wrong type', '{"args": {}}', '400 MalformedRequest: body: args: expected a list'],
    ['kwargs of a wrong type', '{"kwargs": []}', '400 MalformedRequest: body: kwargs: expected an object'],
    ['kwargs null', '{"kwargs": null}', '400 MalformedRequest: body: kwargs: expected an object'],
    [
      'an unknown field',
      '{"argz": []}',
      '400 MalformedRequest: body: unknown field "argz"; known: args, kwargs, hmac',
    ],
    ['a prototype', '{"__proto__": {}}', '400 MalformedRequest: body: unknown field "__proto__"'],
  ];
  for (const [title, body, message] of bad)
    it(`refuses ${title}`, () => expect(failure(() => parseCall(Buffer.from(body)))).to.include(message));

  it('takes nesting of any depth without a stack', () => {
    const deep = `{"kwargs": {"a": ${'['.repeat(200_000)}${']'.repeat(200_000)}}}`;
    expect(Object.keys(parseCall(Buffer.from(deep)).kwargs)).to.deep.equal(['a']);
  });

  it('throws nothing but its own errors, whatever bytes it gets', () =>
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (body) => {
          expect(failure(() => parseCall(body))).to.match(
            /^(400 (JSONDecodeError|MalformedRequest)|nothing)/,
          );
        },
      ),
    ));
});

describe('authorizeCall', () => {
  const now = 1_500_000_000_000;
  const secret = 'a secret of the site';
  const check = (hmac: unknown): string => failure(() => authorizeCall('query_private', hmac, secret, now));
  const table: [string, unknown, string][] = [
    ['a token of now', makeToken(secret, 'query_private', now), 'nothing was thrown'],
    ['one of 119 s ago', makeToken(secret, 'query_private', now - 119_000), 'nothing was thrown'],
    ['one of 121 s ago', makeToken(secret, 'query_private', now - 121_000), '403 BadToken: query_private: '],
    ['one 119 s ahead', makeToken(secret, 'query_private', now + 119_000), 'nothing was thrown'],
    ['one 121 s ahead', makeToken(secret, 'query_private', now + 121_000), '403 BadToken: query_private: '],
    ["another method's", makeToken(secret, 'query', now), '403 BadToken: '],
    ["another secret's", makeToken('another', 'query_private', now), '403 BadToken: '],
    ['none', undefined, '400 MissingToken: query_private: '],
    ['null', null, '400 MissingToken: '],
    ['an empty one', '', '400 MissingToken: '],
    ['a number', 5, '403 BadToken: '],
    ['an object', { hmac: 1 }, '403 BadToken: '],
    ['rubbish', '1:2', '403 BadToken: '],
  ];
  for (const [title, hmac, outcome] of table) it(title, () => expect(check(hmac)).to.include(outcome));
});

describe('bindArguments', () => {
  const params = Type.Object({
    host: Type.String({ description: 'a name' }),
    rfs: Type.Integer(),
    room: Type.Optional(Type.String()),
  });
  const bind = (args: unknown[], kwargs: Record<string, unknown>): unknown =>
    bindArguments('f', params, { args, kwargs, hmac: undefined });

  it('binds positions and keywords as Python does', () => {
    const bound = { host: 'a', rfs: 1 };
    expect(bind(['a', 1], {})).to.deep.equal(bound);
    expect(bind(['a'], { rfs: 1 })).to.deep.equal(bound);
    expect(bind([], { rfs: 1, host: 'a' })).to.deep.equal(bound);
    expect(bind(['a', 1, 'x'], {})).to.deep.equal({ ...bound, room: 'x' });
  });

  const table: [unknown[], Record<string, unknown>, string][] = [
    [[], {}, "500 TypeError: f() missing required argument: 'host'"],
    [['a'], {}, "500 TypeError: f() missing required argument: 'rfs'"],
    [['a', 1, 'x', 2], {}, '500 TypeError: f() takes 3 positional arguments but 4 were given'],
    [['a'], { host: 'b', rfs: 1 }, "500 TypeError: f() got multiple values for argument 'host'"],
    [['a', 1], { who: 1 }, "500 TypeError: f() got an unexpected keyword argument 'who'"],
    [
      ['a', 1],
      JSON.parse('{"__proto__": 1}') as Record<string, unknown>,
      "unexpected keyword argument '__proto__'",
    ],
    [['a', 1], { constructor: 1 }, "unexpected keyword argument 'constructor'"],
    [[5, 1], {}, "500 ValueError: f() argument 'host': expected a name"],
    [['a', 'x'], {}, "500 ValueError: f() argument 'rfs': must be integer"],
  ];
  for (const [args, kwargs, message] of table)
    it(`refuses ${JSON.stringify(args)} ${JSON.stringify(kwargs)}`, () =>
      expect(failure(() => bind(args, kwargs))).to.include(message));

  it('a method of keywords only takes no positions', () => {
    const call = { args: [1], kwargs: {}, hmac: undefined };
    expect(failure(() => bindArguments('f', undefined, call))).to.equal(
      '500 TypeError: f() takes no positional arguments but 1 were given',
    );
  });
});
