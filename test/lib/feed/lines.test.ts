import { expect } from 'chai';
import fc from 'fast-check';
import { createLineReader } from '../../../src/lib/feed/lines.ts';

describe('createLineReader', () => {
  it('finds the same lines wherever the stream is cut, also inside a character', () => {
    const text = fc.string({ unit: 'binary' }).map((line) => line.replaceAll('\n', ''));
    fc.assert(
      fc.property(fc.array(text), fc.array(fc.nat(20)), text, (lines, cuts, rest) => {
        const bytes = Buffer.from([...lines, rest].join('\n'));
        const reader = createLineReader(1024);
        const seen: string[] = [];
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          seen.push(...reader.push(bytes.subarray(at, at + cut)));
          at += cut;
        }
        expect(seen).to.deep.equal(lines);
      }),
    );
  });

  it('keeps what no newline has ended', () => {
    const reader = createLineReader(100);
    expect(reader.push(Buffer.from('[1'))).to.deep.equal([]);
    expect(reader.push(Buffer.from(']\n\n[2]\n[3'))).to.deep.equal(['[1]', '', '[2]']);
  });

  it('refuses a line that does not end', () => {
    const reader = createLineReader(8);
    expect(reader.push(Buffer.from('12345678\n12345678'))).to.deep.equal(['12345678']);
    expect(() => reader.push(Buffer.from('9'))).to.throw('line: longer than 8 bytes');
  });

  it('refuses bytes that are no UTF-8', () => {
    expect(() => createLineReader(8).push(Buffer.from([0xc3, 0x28, 10]))).to.throw('no UTF-8');
  });
});
