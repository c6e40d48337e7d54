import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';

/** This host's addresses; those of network cards without a cable too, which Node leaves out. */
export function ownAddresses(): Set<string> {
  const all = Object.values(networkInterfaces()).flatMap((cards = []) => cards.map(({ address }) => address));
  return new Set([...all, ...localAddresses(readFileSync('/proc/net/fib_trie', 'latin1'))]);
}

/** The IPv4 addresses that a kernel takes for its own. @param trie `/proc/net/fib_trie` */
export function localAddresses(trie: string): string[] {
  return [...trie.matchAll(/\|-- ([\d.]+)\n\s+\/32 host LOCAL/g)].map(([, address]) => address!);
}
