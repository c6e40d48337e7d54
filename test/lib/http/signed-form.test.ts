import { expect } from 'chai';
import fc from 'fast-check';
import { openSignedForm, parseSignedForm } from '../../../src/lib/http/signed-form.ts';
import { makeToken } from '../../../src/lib/rpc/token.ts';

const NOW = 1_700_000_000_000;

describe('parseSignedForm', () => {
  it('reads what URLSearchParams and Python write', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (data, hmac) => {
        const body = Buffer.from(new URLSearchParams({ data, hmac }).toString());
        expect(parseSignedForm(body)).to.deep.equal({ data, hmac });
      }),
    );
    const python = 'data=%5B%7B%22a%22%3A+%22%C3%A9%22%7D%5D&hmac=1%3Aab';
    expect(parseSignedForm(Buffer.from(python))).to.deep.equal({ data: '[{"a": "é"}]', hmac: '1:ab' });
  });

  it('reads what was sent without escapes', () => {
    expect(parseSignedForm(Buffer.from('data=[{"é":"="}]&hmac=1:ab'))).to.deep.equal({
      data: '[{"é":"="}]',
      hmac: '1:ab',
    });
    expect(parseSignedForm(Buffer.from(''))).to.deep.equal({});
    expect(parseSignedForm(Buffer.from('&data&'))).to.deep.equal({ data: '' });
  });

  it('refuses any other bytes with a reason, and never breaks', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          parseSignedForm(Buffer.from(bytes));
        } catch (error) {
          expect((error as Error).message).to.match(/^form: /);
        }
      }),
    );
  });
});

describe('openSignedForm', () => {
  it('hands out the very text that was signed', () => {
    const data = '[{"a": "é"}]';
    const form = { data, hmac: makeToken('secret', data, NOW) };
    expect(openSignedForm(form, 'secret', NOW)).to.equal(data);
    expect(() => openSignedForm({ ...form, data: `${data} ` }, 'secret', NOW)).to.throw('token: ');
    expect(() => openSignedForm(form, 'another', NOW)).to.throw('token: ');
    expect(() => openSignedForm(form, 'secret', NOW + 121_000)).to.throw('token: ');
    expect(() => openSignedForm({ data }, 'secret', NOW)).to.throw('token: ');
    expect(() => openSignedForm(undefined, 'secret', NOW)).to.throw('form: field data is missing');
  });
});
