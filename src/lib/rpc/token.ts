import { createHmac, timingSafeEqual } from 'node:crypto';

/** How far a token's time may be from ours, either way (SADM: the past only). */
export const TOKEN_LIFETIME_S = 120;

/** SADM's timeauth: `<unix seconds>:<hex HMAC-SHA256(secret, message + seconds)>`. */
export function makeToken(secret: string, message: string, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000);
  return `${seconds}:${sign(secret, message, String(seconds))}`;
}

/** Whether `token` was made for `message` with `secret` within the last (or next) 120 s. Constant time in the secret. */
export function checkToken(token: unknown, secret: string, message: string, nowMs: number): boolean {
  const match = typeof token === 'string' ? /^(\d{1,12}):([0-9a-f]{64})$/.exec(token) : null;
  if (!match) return false;
  const [, seconds = '', digest = ''] = match;
  const good = timingSafeEqual(
    Buffer.from(digest, 'hex'),
    Buffer.from(sign(secret, message, seconds), 'hex'),
  );
  return good && Math.abs(nowMs / 1000 - Number(seconds)) <= TOKEN_LIFETIME_S;
}

function sign(secret: string, message: string, seconds: string): string {
  return createHmac('sha256', secret)
    .update(message + seconds)
    .digest('hex');
}
