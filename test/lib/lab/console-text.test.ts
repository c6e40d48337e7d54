import { expect } from 'chai';
import fc from 'fast-check';
import { createPlainText } from '../../../src/lib/lab/console-text.ts';

describe('the text of a console', () => {
  it('drops colours and erasures', () => {
    expect(createPlainText().push('\u001b[2J\u001b[1;37;44mregister\u001b[0m\r\n')).to.equal('register\n');
  });

  it('breaks the line where the cursor goes to another row', () => {
    const drawn = '\u001b[5;2Hfirst choice\u001b[6;2Hsecond choice\u001b[6;40H(3)';
    expect(createPlainText().push(drawn)).to.equal('\nfirst choice\nsecond choice(3)');
  });

  it('waits for the rest of a sequence that the stream cut', () => {
    const plain = createPlainText();
    expect(plain.push('a\u001b') + plain.push('[3') + plain.push('1mb')).to.equal('ab');
  });

  it('is the same wherever the stream is cut', () => {
    const text = 'x\u001b[1;1Hmenu\u001b[0m\r\n\u001b[2;1H\u001b(Bitem\u001b=\b \bend';
    const whole = createPlainText().push(text);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), text.length];
        const plain = createPlainText();
        const parts = at.slice(1).map((end, i) => plain.push(text.slice(at[i], end)));
        expect(parts.join('')).to.equal(whole);
      }),
    );
  });
});
