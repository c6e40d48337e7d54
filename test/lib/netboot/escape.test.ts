import { expect } from 'chai';
import fc from 'fast-check';
import { ipxeLine, ipxeText, ipxeUrl, ipxeWord } from '../../../src/lib/netboot/escape.ts';

describe('netboot escape', () => {
  const truth: [name: string, text: string, shown: string][] = [
    ['accents are folded', 'écran cassé', 'ecran casse'],
    ['a line break is a space', 'a\nreboot\r\nshell', 'a reboot shell'],
    ['no setting is expanded', '${net0/mac} $${x}', '$(net0/mac) $$(x)'],
    ['no command ends', 'a || reboot && shell ; exit', 'a | reboot & shell , exit'],
    ['no comment begins', 'see #12 # now', "see '#12 '# now"],
    ['no line goes on below', 'C:\\', 'C:/'],
    ['no option is given', '-n', "'-n"],
    ['what no font has is a question mark', '\u{1f4a9} \u0007 日本', '? ? ??'],
    ['separators of lines that are not ASCII', 'a\u2028b\u0085c', 'a b?c'],
  ];
  for (const [name, text, shown] of truth)
    it(name, () => {
      expect(ipxeText(text)).to.equal(shown);
    });

  it('bounds a text', () => {
    expect(ipxeText('x'.repeat(10_000))).to.have.length(300);
  });

  it('a word has no space', () => {
    expect(ipxeWord('a b\nc')).to.equal('a_b_c');
  });

  it("the site's own config may use iPXE's settings, on one line", () => {
    expect(ipxeLine('BOOTIF=${netX/mac}\nquiet')).to.equal('BOOTIF=${netX/mac} quiet');
    expect(ipxeUrl('http://x/${mac} b')).to.equal('http://x/${mac}%20b');
  });

  it('leaves nothing that iPXE gives a meaning to, whatever the text', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '${',
        '}',
        '||',
        '&&',
        ';',
        '#',
        '\\',
        '\n',
        '\r',
        ' ',
        '\t',
        '-',
        '--',
        '$',
        '{',
        '\v',
        '\u2028',
      ),
    );
    fc.assert(
      fc.property(
        fc.array(piece).map((parts) => parts.join('')),
        (text) => {
          const shown = ipxeText(text);
          expect(shown).to.match(/^[ -~]*$/);
          expect(shown).to.not.match(/[{}\\]/);
          for (const word of shown.split(' ')) {
            expect(word).to.not.match(/^#/);
            expect(['||', '&&', ';']).to.not.include(word);
          }
          expect(shown).to.not.match(/^-/);
          expect(ipxeText(shown)).to.equal(shown);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
