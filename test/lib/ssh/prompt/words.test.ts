import { expect } from 'chai';
import { collectEntries, shownText } from '../../../../src/lib/ssh/prompt/collect.ts';
import { HELP, parseOrder } from '../../../../src/lib/ssh/prompt/words.ts';

describe('words of the prompt', () => {
  for (const [line, order] of [
    ['', { do: 'nothing' }],
    [' uptime | wc -l ', { do: 'run', command: 'uptime | wc -l' }],
    [': > /tmp/x', { do: 'run', command: ': > /tmp/x' }],
    [':select pas-r01p[01-08]  @alive', { do: 'select', selection: ['pas-r01p[01-08]', '@alive'] }],
    [':add a', { do: 'add', selection: ['a'] }],
    [':drop a,b', { do: 'drop', selection: ['a,b'] }],
    [':timeout 0', { do: 'timeout', seconds: 0 }],
    [':out my file', { do: 'out', file: 'my file' }],
    [':quit', { do: 'quit' }],
  ] as const)
    it(JSON.stringify(line), () => expect(parseOrder(line)).to.deep.equal(order));

  for (const line of [':select', ':timeout', ':timeout soon', ':out', ':reboot', ':quit now', ':Select a'])
    it(`${line}: refused`, () => expect(() => parseOrder(line)).to.throw(/^:\w+: /));

  it('are all in the help', () => {
    for (const [word] of HELP.filter(([shown]) => shown.startsWith(':')))
      expect(() => parseOrder(word.replace('SECONDS', '5'))).to.not.throw();
  });
});

describe('answers on the terminal', () => {
  it('cannot move the cursor', () => {
    const { writer, entries } = collectEntries();
    writer.title('== pc1 (1)');
    void writer.bytes(Buffer.from('a\u001b[2Jb\rc\u0007\n'));
    void writer.bytes(Buffer.from([0xff, 0x0a]));
    writer.title('== pc2 (1): no output');
    const shown = entries();
    expect(shown.map(({ is }) => is)).to.deep.equal(['title', 'output', 'title']);
    expect(shown[1]!.text).to.equal('a^[[2Jb^Mc^G\n\ufffd');
  });

  it('are cut where they would fill the terminal, and say so', () => {
    const lines = Buffer.from('line\n'.repeat(10_000));
    const text = shownText(lines, lines.length);
    expect(text.split('\n')).to.have.length(501);
    expect(text).to.match(/cut here: 50000 bytes in all, :out FILE writes them$/);
  });

  it('have their tabs in columns', () => {
    expect(shownText(Buffer.from('a\tb\n\tc\n'), 6)).to.equal('a       b\n        c');
  });

  it('do not grow with an endless line', () => {
    const { writer, entries } = collectEntries();
    for (let i = 0; i < 100; i++) void writer.bytes(Buffer.alloc(10_000, 'x'));
    expect(entries()[0]!.text).to.match(/^x{1000}\n… cut here: 1000000 bytes/);
  });

  it('of many machines that all differ have a limit together', () => {
    const { writer, entries } = collectEntries();
    for (let i = 0; i < 150; i++) {
      writer.title(`== pc${i} (1)`);
      void writer.bytes(Buffer.from(`pc${i}\n`.repeat(400)));
    }
    const shown = entries().filter(({ is }) => is === 'output');
    expect(shown.flatMap(({ text }) => text.split('\n')).length).to.be.within(4000, 4150);
    expect(shown.at(-1)!.text).to.match(/^… cut here: \d+ bytes/);
  });
});
