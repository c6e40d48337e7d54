import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

/** What DER says before the 32 bytes of a private key (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface KeyPair {
  privateKey: KeyObject;
  publicKey: KeyObject;
}

/** The Ed25519 key that a secret of the site stands for. @param seed 32 bytes in hex */
export function keyPairOf(seed: string): KeyPair {
  const der = Buffer.concat([PKCS8, Buffer.from(seed, 'hex')]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}
