import { networkInterfaces } from 'node:os';

/** All addresses of this host, loopback's too. */
export function ownAddresses(): Set<string> {
  return new Set(Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address)));
}
