import { fingerprint } from './host-key.ts';

/** The key that all PCs share which boot the site's root; demanded: they show no other. */
export interface PcKey {
  key: Buffer;
  isDemanded: boolean;
}

export interface Judged {
  hostname: string;
  /** The machine's own key, where one was recorded. */
  known: Buffer | undefined;
  /** Where it is a machine that boots the site's root. */
  pc: PcKey | undefined;
  shown: Buffer;
}

/**
 * The first key that is seen is a machine's own, and it shows no other later; but a machine that boots the site's root may show the
 * key that is in there, and must where that is demanded.
 * @returns what is wrong
 */
export function judgeKey({ hostname, known, pc, shown }: Judged): string | undefined {
  if (pc?.key.equals(shown)) return undefined;
  if (pc?.isDemanded)
    return `it shows ${fingerprint(shown)}, not the PCs' host key ${fingerprint(pc.key)}: it has not booted the site's root (ssh.pcKey)`;
  if (!known || known.equals(shown)) return undefined;
  return `its host key has changed: ${fingerprint(known)} is known, it shows ${fingerprint(shown)}; ${wayOut(hostname)}`;
}

/** A machine that has no key of the known kind has another one. */
export function missingKey({ hostname, known, pc }: Omit<Judged, 'shown'>): string | undefined {
  if (pc?.isDemanded) return `it does not have the PCs' host key ${fingerprint(pc.key)} (ssh.pcKey)`;
  return known && `its host key ${fingerprint(known)} is gone; ${wayOut(hostname)}`;
}

function wayOut(hostname: string): string {
  return `was it set up anew? then \`prolo ssh forget ${hostname}\``;
}
