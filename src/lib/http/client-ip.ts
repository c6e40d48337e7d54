/**
 * Who asks: the peer, or, behind a proxy of this host (nginx), whom its `X-Real-IP` names. A header from elsewhere is not
 * believed: anyone could write it.
 */
export function clientIp(peer: string, realIp: string | string[] | undefined): string {
  const address = peer.replace(/^::ffff:/, '');
  const isProxy = address === '::1' || address.startsWith('127.');
  return isProxy && typeof realIp === 'string' && /^[\da-fA-F.:]{2,45}$/.test(realIp) ? realIp : address;
}
