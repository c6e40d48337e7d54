import type { FastifyInstance } from 'fastify';
import { ProloError } from '../errors.ts';
import { checkToken, makeToken } from '../rpc/token.ts';

/** What a signed request carries: a JSON text, and a token made for that very text. */
export interface SignedForm {
  data?: string;
  hmac?: string;
}

/** The body, or query, of a request that is signed now. */
export function signForm(secret: string, data: string): string {
  return new URLSearchParams({ data, hmac: makeToken(secret, data, Date.now()) }).toString();
}

/** Makes a server read forms, strictly, and nothing else. */
export function acceptSignedForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer' },
    (_request, body, done) => {
      try {
        done(null, parseSignedForm(body as Buffer));
      } catch (error) {
        done(error as Error);
      }
    },
  );
}

/** @throws ProloError `bad-input` for another field, one twice, or bytes that are no UTF-8. */
export function parseSignedForm(body: Buffer): SignedForm {
  const form: SignedForm = {};
  for (const pair of body.toString('latin1').split('&')) {
    if (pair === '') continue;
    const [name, value] = cut(pair).map(decode) as [string, string];
    if (name !== 'data' && name !== 'hmac')
      throw new ProloError('bad-input', `form: field ${JSON.stringify(name.slice(0, 40))} is unknown`, {
        hint: 'the fields are data and hmac',
      });
    if (form[name] !== undefined) throw new ProloError('bad-input', `form: field ${name} is there twice`);
    form[name] = value;
  }
  return form;
}

/**
 * The text that was signed.
 * @throws ProloError `bad-input` without data, `forbidden` when the token is not right
 */
export function openSignedForm(form: SignedForm | undefined, secret: string, nowMs: number): string {
  // A field that a query has twice is a list.
  if (typeof form?.data !== 'string')
    throw new ProloError('bad-input', 'form: field data is missing', {
      hint: 'send the fields data and hmac as application/x-www-form-urlencoded',
    });
  if (!checkToken(form.hmac, secret, form.data, nowMs)) throw badToken();
  return form.data;
}

export function badToken(): ProloError {
  return new ProloError('forbidden', 'token: missing, wrong, or not of now', {
    hint: 'is the secret right, and do both clocks agree within 120 s?',
  });
}

function cut(pair: string): [string, string] {
  const at = pair.indexOf('=');
  return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
}

/** `latin1` holds a byte a character: what was sent unescaped is read as UTF-8 too. */
function decode(text: string): string {
  const escaped = text.replaceAll('+', ' ').replace(/[\u0080-\u00ff]/g, (byte) => encodeByte(byte));
  try {
    return decodeURIComponent(escaped);
  } catch (error) {
    throw new ProloError('bad-input', 'form: an escape that is no UTF-8', { cause: error });
  }
}

function encodeByte(byte: string): string {
  return `%${byte.charCodeAt(0).toString(16)}`;
}
