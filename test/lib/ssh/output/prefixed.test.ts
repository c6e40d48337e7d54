import { expect } from 'chai';
import fc from 'fast-check';
import { prefixedSink } from '../../../../src/lib/ssh/output/prefixed.ts';

/** What was written, and what each machine must have said for it. */
function read(written: Buffer): Map<string, string> {
  const said = new Map<string, string>();
  for (const line of written.toString('latin1').split('\n').slice(0, -1)) {
    const [, name, mark, text] = /^(m\d)([:+]) ([^]*)$/.exec(line)!;
    const before = said.get(name!) ?? '';
    said.set(name!, `${mark === '+' ? before.slice(0, -1) : before}${text}\n`);
  }
  return said;
}

async function write(chunks: readonly { name: string; bytes: Buffer }[]): Promise<Buffer> {
  const written: Buffer[] = [];
  const sink = prefixedSink((_, bytes) => void written.push(bytes));
  for (const { name, bytes } of chunks) await sink.write(name, 'stdout', bytes);
  for (const hostname of new Set(chunks.map(({ name }) => name)))
    await sink.end({ hostname, status: 'ok', ms: 1 });
  return Buffer.concat(written);
}

describe('lines behind their machine', function () {
  this.timeout(30_000);

  it('have every byte, whatever it is and however it is cut into chunks', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            name: fc.constantFrom('m1', 'm2'),
            bytes: fc
              .array(fc.constantFrom(10, 10, 13, 0x41, 0xff, 0xc3, 0xa9), { maxLength: 12 })
              .map((bytes) => Buffer.from(bytes)),
          }),
        ),
        async (chunks) => {
          const said = read(await write(chunks));
          for (const name of ['m1', 'm2']) {
            const all = Buffer.concat(
              chunks.filter((chunk) => chunk.name === name).map(({ bytes }) => bytes),
            );
            const text = all.toString('latin1');
            expect(said.get(name) ?? '').to.equal(text && !text.endsWith('\n') ? `${text}\n` : text);
          }
        },
      ),
    ));

  it('of 100 MB come in parts, at once, and those of others between them', async () => {
    const part = Buffer.alloc(32 * 1024, 'x');
    let lines = 0;
    let bytes = 0;
    let largest = 0;
    const sink = prefixedSink((_, text) => {
      bytes += text.length;
      lines += text.toString('latin1').split('\n').length - 1;
      largest = Math.max(largest, text.length);
    });
    const parts = Math.ceil(1e8 / part.length);
    for (let i = 0; i < parts; i++) await sink.write('m1', 'stdout', part);
    await sink.end({ hostname: 'm1', status: 'ok', ms: 1 });
    expect(bytes).to.equal(parts * part.length + lines * 'm1: \n'.length);
    expect(largest).to.be.lessThan(200_000);
  });

  it('of one byte a chunk cost no more than their bytes', async () => {
    const chunks = Array.from({ length: 300_000 }, () => ({ name: 'm1', bytes: Buffer.from('x') }));
    expect(read(await write(chunks)).get('m1')).to.have.length(300_001);
  });
});
