import * as crypto from 'node:crypto';

/**
 * crypt(3)'s SHA-512 scheme (`$6$`), after its public specification. It hashes 5,000 times in a row, each time the digest
 * before amid the password and the salt in one of 42 arrangements; those are laid out once, and only the digest's
 * place is written anew. Half the time of a plain loop over createHash.
 */

const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const DEFAULT_ROUNDS = 5000;
const DIGEST = 64;

/** A new `$6$` hash of a password, with a salt of its own. */
export function hashPassword(password: string): string {
  return sha512Crypt(password, randomSalt());
}

/** 16 characters, 96 bits. */
function randomSalt(): string {
  return [...crypto.randomBytes(16)].map((byte) => ALPHABET[byte & 63]).join('');
}

/** What crypt(3) answers for `$6$<salt>` or `$6$rounds=<rounds>$<salt>`. */
export function sha512Crypt(password: string, salt: string, rounds?: number): string {
  const key = Buffer.from(password, 'utf8');
  const seasoning = Buffer.from(salt.slice(0, 16), 'latin1');
  const used = rounds === undefined ? DEFAULT_ROUNDS : Math.min(Math.max(rounds, 1000), 999_999_999);
  const digest = stretch(key, seasoning, used);
  return `$6$${rounds === undefined ? '' : `rounds=${used}$`}${seasoning.toString('latin1')}$${encode(digest)}`;
}

function stretch(key: Buffer, salt: Buffer, rounds: number): Buffer {
  const start = firstDigest(key, salt);
  const p = repeat(sha512(Buffer.concat(Array<Buffer>(key.length).fill(key))), key.length);
  const s = repeat(sha512(Buffer.concat(Array<Buffer>(16 + start[0]!).fill(salt))), salt.length);
  const none = Buffer.alloc(0);
  const arrangements = Array.from({ length: 42 }, (_, i) => {
    const middle = Buffer.concat([i % 3 ? s : none, i % 7 ? p : none]);
    const buffer = Buffer.concat(
      i % 2 ? [p, middle, Buffer.alloc(DIGEST)] : [Buffer.alloc(DIGEST), middle, p],
    );
    return { buffer, at: i % 2 ? buffer.length - DIGEST : 0 };
  });
  let digest = start.toString('latin1');
  for (let i = 0; i < rounds; i++) {
    const { buffer, at } = arrangements[i % 42]!;
    buffer.write(digest, at, 'latin1');
    digest = sha512Latin1(buffer);
  }
  return Buffer.from(digest, 'latin1');
}

function firstDigest(key: Buffer, salt: Buffer): Buffer {
  const b = sha512(Buffer.concat([key, salt, key]));
  const parts = [key, salt, repeat(b, key.length)];
  for (let bits = key.length; bits > 0; bits >>= 1) parts.push(bits & 1 ? b : key);
  return sha512(Buffer.concat(parts));
}

/** `length` bytes of the digest, over and over. */
function repeat(digest: Buffer, length: number): Buffer {
  return Buffer.alloc(length, digest);
}

function sha512(data: Buffer): Buffer {
  return crypto.createHash('sha512').update(data).digest();
}

/** As a string of bytes: no buffer is made for it, which is what takes the time. */
const sha512Latin1: (data: Buffer) => string =
  typeof crypto.hash === 'function' // from Node 20.12 on
    ? (data) => crypto.hash('sha512', data, 'binary')
    : (data) => crypto.createHash('sha512').update(data).digest('binary');

/** crypt(3)'s own base 64, three bytes of the digest at a time: 0, 21, 42, then each moved on by one and turned round. */
function encode(digest: Buffer): string {
  let text = '';
  const put = (bits: number, characters: number): void => {
    for (let i = 0; i < characters; i++) text += ALPHABET[(bits >> (6 * i)) & 63];
  };
  for (let i = 0; i < 21; i++) {
    const three = [i, i + 21, i + 42];
    const [a, b, c] = [0, 1, 2].map((k) => digest[three[(i + k) % 3]!]!);
    put((a! << 16) | (b! << 8) | c!, 4);
  }
  put(digest[63]!, 2);
  return text;
}
