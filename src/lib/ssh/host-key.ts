import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import type { ServerHostKeyAlgorithm } from 'ssh2';
import { ProloError } from '../errors.ts';

/** An ed25519 host key. */
export interface HostKeyPair {
  /** As it is on the wire. */
  publicKey: Buffer;
  /** As it is in a `.pub` file: type and base64. */
  publicText: string;
  /** OpenSSH's private key file, the same at each call; for sshd (`HostKey`). */
  privateText: string;
}

/** What PKCS #8 puts before an ed25519 seed. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * The host key that all PCs share which boot the site's root.
 * @param secret `ssh.pcs`: the key's seed in hex
 * @throws ProloError `config` when it is none
 */
export function hostKeyOfSecret(secret: string): HostKeyPair {
  if (!/^[0-9a-f]{64}$/i.test(secret))
    throw new ProloError('config', 'secrets.yml: ssh.pcs: expected 32 bytes in hex', {
      hint: 'make one with `openssl rand -hex 32`; PCs show it once they have booted a root that has it',
    });
  const seed = Buffer.from(secret, 'hex');
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  const point = Buffer.from(x, 'base64url');
  const publicKey = Buffer.concat([field('ssh-ed25519'), field(point)]);
  return {
    publicKey,
    publicText: publicTextOf(publicKey),
    privateText: privateTextOf(publicKey, Buffer.concat([seed, point]), 'pcs'),
  };
}

/** Type and base64, as in `.pub` files and in known_hosts. */
export function publicTextOf(key: Buffer): string {
  return `${typeOfKey(key)} ${key.toString('base64')}`;
}

/** As `ssh-keygen -l` has it: `SHA256:…`. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** For people and programs. */
export function describeKey(key: Buffer): { type: string; fingerprint: string } {
  return { type: typeOfKey(key), fingerprint: fingerprint(key) };
}

/** Such as `ssh-ed25519`; empty where it is no key. */
export function typeOfKey(key: Buffer): string {
  if (key.length < 4) return '';
  return key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1');
}

/** How such a key signs; an RSA key has several ways. */
export function algorithmsOfKey(key: Buffer): ServerHostKeyAlgorithm[] {
  const type = typeOfKey(key) as ServerHostKeyAlgorithm;
  return type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type];
}

/** PROTOCOL.key of OpenSSH, without encryption. Where it has random bytes to check a passphrase with, these are of the key. */
function privateTextOf(publicKey: Buffer, privateKey: Buffer, comment: string): string {
  const check = createHash('sha256').update(publicKey).digest().subarray(0, 4);
  const secret = Buffer.concat([check, check, publicKey, field(privateKey), field(comment)]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, i) => i + 1));
  const body = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    field('none'),
    field('none'),
    field(''),
    Buffer.from([0, 0, 0, 1]),
    field(publicKey),
    field(Buffer.concat([secret, padding])),
  ]);
  const lines = body.toString('base64').match(/.{1,70}/g)!;
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join(
    '\n',
  );
}

/** SSH's `string`: its length, and it. */
function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
