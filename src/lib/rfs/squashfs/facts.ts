/** What `find` says of one file of a tree; see `fingerprint.ts`. */
export interface Facts {
  /** All of it, as it was said. */
  line: string;
  /** As `find` names kinds. */
  kind: string;
  bytes: number;
  /** When its inode was changed, in seconds. */
  changedAt: number;
  inode: string;
  /** A character is a byte; the root's is empty. */
  path: string;
}

const FIELDS = 8;

/** @param facts each file's, and its target, both ending in a NUL */
export function parseFacts(facts: Buffer): Facts[] {
  const parts = facts.toString('latin1').split('\0');
  const found: Facts[] = [];
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const line = parts[i]!;
    const fields = line.split('\t');
    const path = fields.length > FIELDS + 1 ? fields.slice(FIELDS).join('\t') : fields[FIELDS]!;
    const [kind = '', , , , bytes, , changedAt] = fields;
    found.push({ line, kind, bytes: Number(bytes), changedAt: Number(changedAt), inode: fields[7]!, path });
  }
  return found;
}

/** Whether `mksquashfs -wildcards -e` leaves it out by itself: there a star is no dot at the beginning of a name. */
export function leftOutBy(patterns: readonly string[]): (path: string) => boolean {
  const part = (text: string): string =>
    (text.startsWith('*') ? '(?!\\.)' : '') +
    text
      .split('*')
      .map((plain) => plain.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('[^/]*');
  const texts = patterns.map((pattern) => pattern.split('/').map(part).join('/'));
  const all = new RegExp(`^(?:${texts.join('|')})$`);
  return (path) => all.test(path);
}
