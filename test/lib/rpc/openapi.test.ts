import { expect } from 'chai';
import { Type } from 'typebox';
import type { RpcMethods } from '../../../src/lib/rpc/call.ts';
import { describeRpc } from '../../../src/lib/rpc/openapi.ts';

describe('describeRpc', () => {
  const run = (): Promise<unknown> => Promise.resolve();
  const methods: RpcMethods = {
    query: {
      description: 'Finds.',
      filters: {
        name: { type: 'text', description: 'a name' },
        n: { type: 'number', description: 'a number' },
      },
      result: Type.Array(Type.String()),
      run,
    },
    secret: { description: 'Tells.', secret: 'udb.private', filters: {}, result: Type.String(), run },
    add: { description: 'Adds.', params: Type.Object({ a: Type.Integer() }), result: Type.Integer(), run },
  };
  const document = JSON.parse(
    JSON.stringify(describeRpc({ title: 'T', description: 'D' }, methods)),
  ) as ReturnType<typeof describeRpc>;

  it('has a path for each method; a GET where a call needs nothing', () => {
    const verbs = Object.entries(document.paths).map(([path, item]) => [path, ...Object.keys(item)]);
    expect(verbs).to.deep.equal([
      ['/call/query', 'get', 'post'],
      ['/call/secret', 'post'],
      ['/call/add', 'post'],
    ]);
  });

  it('says what each call takes and returns', () => {
    const body = (path: string): unknown =>
      document.paths[path]!.post.requestBody.content['application/json'].schema;
    expect(body('/call/query')).to.have.nested.property('properties.kwargs.properties.n.type', 'integer');
    expect(body('/call/query'))
      .to.have.nested.property('properties.kwargs.description')
      .that.includes('iregex');
    expect(body('/call/query')).to.not.have.nested.property('properties.hmac');
    expect(body('/call/secret'))
      .to.have.nested.property('properties.hmac.description')
      .that.includes('udb.private');
    expect(body('/call/add')).to.have.nested.property('properties.kwargs.required').that.deep.equals(['a']);
    expect(document.paths['/call/secret']!.post.responses).to.have.all.keys('200', '400', '403', '500');
    expect(document.paths['/call/query']!.post.responses[200]).to.have.nested.property(
      'content.application/json.schema.properties.data.type',
      'array',
    );
  });
});
