import { createCipheriv, createDecipheriv, randomBytes, scrypt, type ScryptOptions } from 'node:crypto';
import { promisify } from 'node:util';
import { ProloError } from '../errors.ts';

const MAGIC = 'prolo-backup-1';
const COST: ScryptOptions = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
const deriveKey = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);

/**
 * Encrypts with a passphrase: scrypt and AES-256-GCM. The file is one line of header (magic, salt, nonce), which is
 * authenticated too, then the ciphertext and its 16-byte tag.
 */
export async function seal(plain: Buffer, passphrase: string): Promise<Buffer> {
  const salt = randomBytes(16);
  const nonce = randomBytes(12);
  const header = Buffer.from(`${MAGIC} ${salt.toString('hex')} ${nonce.toString('hex')}\n`);
  const cipher = createCipheriv(
    'aes-256-gcm',
    await deriveKey(passphrase.normalize('NFC'), salt, 32, COST),
    nonce,
  );
  cipher.setAAD(header);
  return Buffer.concat([header, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** @throws ProloError `bad-input` for a file that is none of ours, a wrong passphrase, or a changed byte */
export async function unseal(sealed: Buffer, passphrase: string): Promise<Buffer> {
  const end = sealed.indexOf(10) + 1;
  const match = new RegExp(`^${MAGIC} ([0-9a-f]{32}) ([0-9a-f]{24})\n$`).exec(
    sealed.subarray(0, Math.min(end, 200)).toString('latin1'),
  );
  if (!match || sealed.length < end + 16)
    throw new ProloError('bad-input', 'backup: not a file of `prolo site backup`, or cut short');
  const key = await deriveKey(passphrase.normalize('NFC'), Buffer.from(match[1]!, 'hex'), 32, COST);
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(match[2]!, 'hex'));
  decipher.setAAD(sealed.subarray(0, end));
  decipher.setAuthTag(sealed.subarray(-16));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(end, -16)), decipher.final()]);
  } catch (error) {
    throw new ProloError('bad-input', 'backup: the passphrase is wrong, or the file was changed', {
      cause: error,
    });
  }
}
