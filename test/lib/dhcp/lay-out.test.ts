import { expect } from 'chai';
import fc from 'fast-check';
import { layOut } from '../../../src/lib/dhcp/lay-out.ts';

describe('layOut', () => {
  it('is JSON of the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(layOut(value))).to.deep.equal(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
  it('gives what holds no object a line of its own', () => {
    expect(layOut({ a: [{ b: 1 }, { c: [], d: 'x' }] })).to.equal(
      '{\n  "a": [\n    { "b": 1 },\n    { "c": [], "d": "x" }\n  ]\n}\n',
    );
  });
});
