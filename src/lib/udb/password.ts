import { createCipheriv, createDecipheriv, randomBytes, randomInt } from 'node:crypto';
import { ProloError } from '../errors.ts';

/**
 * Lower case only, and of characters that look alike in print or in handwriting at most one: 0 o, 1 l i, 2 z, 5 s,
 * 6 b, 9 g q, u v.
 */
export const READABLE = 'abcdefhjkmnprtuwxy34789';

/** A password that people can read aloud and type; 4.5 bits a character, each as likely as any other. */
export function generatePassword(length: number): string {
  return Array.from({ length }, () => READABLE[randomInt(READABLE.length)]).join('');
}

const CIPHER = 'aes-256-gcm';
const VERSION = 'v1.';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** A plain password, encrypted. It opens for this login alone, so that rows cannot be swapped. */
export function sealPassword(keyHex: string, login: string, plain: string): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, parseKey(keyHex), iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(associated(login));
  const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
  return VERSION + Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
}

/** @throws ProloError `failed` when it was sealed with another key or for another login, or has been changed */
export function openPassword(keyHex: string, login: string, sealed: string): string {
  const key = parseKey(keyHex);
  try {
    const bytes = Buffer.from(sealed.slice(VERSION.length), 'base64url');
    if (!sealed.startsWith(VERSION) || bytes.length < IV_BYTES + TAG_BYTES)
      throw new Error('not a sealed password');
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(associated(login));
    decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString(
      'utf8',
    );
  } catch (error) {
    throw new ProloError(
      'failed',
      `user ${login}: the password cannot be opened with this site's passwords.key`,
      {
        hint: 'is secrets.yml the one of this database? `prolo udb password --new` makes another password',
        cause: error,
      },
    );
  }
}

function associated(login: string): Buffer {
  return Buffer.from(`udb password of ${login}`, 'utf8');
}

function parseKey(hex: string): Buffer {
  if (/^[0-9a-f]{64}$/i.test(hex)) return Buffer.from(hex, 'hex');
  throw new ProloError('config', 'secrets.yml: passwords.key: expected 64 hex digits');
}
