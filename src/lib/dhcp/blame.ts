import { ProloError } from '../errors.ts';
import { cleanText } from '../mdb/validate.ts';
import type { Host } from './plan.ts';

/**
 * A checker's refusal as an error that names the machines which it is about: those whose MAC, address or name it
 * says, or else the one on the line that it counts to.
 * @param text what it has read, for its line numbers
 */
export function refusal(checker: string, words: string, hosts: readonly Host[], text: string): ProloError {
  const said = cleanText(words, 400);
  const machines = blamed(words, hosts, text).map(
    ({ hostname, mac, ip }) => `machine ${hostname} (${mac}, ${ip})`,
  );
  if (machines.length > 0)
    return new ProloError('refused', `${machines.slice(0, 5).join(', ')}: ${checker} refuses: ${said}`, {
      hint: 'correct it with `prolo mdb set`; until then the DHCP server stays as it is',
    });
  // A NIC that is not there yet comes without any change of MDB, so this one is worth another attempt.
  const early = /\binterface\b/i.test(words);
  return new ProloError(early ? 'failed' : 'refused', `dhcp: ${checker} refuses: ${said}`, {
    hint: early
      ? 'the gateway needs its addresses first; see `dhcp.interfaces` in prolo.yml'
      : 'see `dhcp` and `networks` in prolo.yml; until then the DHCP server stays as it is',
  });
}

export function blamed(words: string, hosts: readonly Host[], text: string): Host[] {
  const lower = words.toLowerCase();
  const tokens = new Set(lower.split(/[^a-z0-9.:]+/).map((token) => token.replace(/[.:]+$/, '')));
  const names = new Set([...lower.matchAll(/\bhost ([a-z0-9-]+)|'([a-z0-9-]+)'/g)].map(([, a, b]) => a ?? b));
  for (const found of [
    hosts.filter(({ mac }) => tokens.has(mac)),
    hosts.filter(({ ip }) => tokens.has(ip)),
    hosts.filter(({ hostname }) => names.has(hostname)),
  ])
    if (found.length > 0) return found;
  const lines = text.split('\n');
  const named = countedLines(words).map((index) => lines[index]?.toLowerCase() ?? '');
  return hosts.filter(({ mac }) => named.some((line) => line.includes(mac)));
}

/** Line numbers in a checker's words, from 0: Kea's (from 0 in what came over the socket, else from 1), and dhcpd's. */
function countedLines(words: string): number[] {
  const kea = [...words.matchAll(/([^\s()]+):(\d+):\d+/g)].map(
    ([, file, line]) => Number(line) - (file === '<wire>' ? 0 : 1),
  );
  const isc = [...words.matchAll(/\bline (\d+)\b/g)].map(([, line]) => Number(line) - 1);
  return [...kea, ...isc];
}
