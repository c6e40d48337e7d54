/** What `find` says of one file of a tree; see `fingerprint.ts`. */
export interface Facts {
  /** As `find` names kinds. */
  kind: string;
  bytes: number;
  /** Of its names the same, and of no other file: all but its name. A number alone is not enough where an overlay has several file systems below it. */
  inode: string;
  /** A character is a byte; the root's is empty. */
  path: string;
  /** It is as it was before. */
  kept: boolean;
}

/** What `find` said of a tree before. */
export interface Before {
  /** A line each, a character a byte. */
  lines: ReadonlySet<string>;
  /** What was changed later than that, in seconds, may have changed again within one tick of the clock. */
  surelyAt: number;
}

/** @param facts each file's, and its target, both ending in a NUL */
export function parseFacts(facts: Buffer, { lines, surelyAt }: Before): Facts[] {
  const parts = facts.toString('latin1').split('\0');
  const found: Facts[] = [];
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const line = parts[i]!;
    // kind, mode, owner, group, bytes, time of its data, time of its inode, its number, its name
    const owner = line.indexOf('\t', 2) + 1;
    const size = line.indexOf('\t', line.indexOf('\t', owner) + 1) + 1;
    const written = line.indexOf('\t', size) + 1;
    const changed = line.indexOf('\t', written) + 1;
    const inode = line.indexOf('\t', changed) + 1;
    const name = line.indexOf('\t', inode) + 1;
    const changedAt = line.slice(changed, inode - 1);
    found.push({
      kind: line[0]!,
      bytes: Number(line.slice(size, written - 1)),
      inode: line.slice(0, name - 1),
      path: line.slice(name),
      kept: lines.has(line) && Number(changedAt) + tickOf(changedAt) < surelyAt,
    });
  }
  return found;
}

/** Seconds: a file system that keeps none of their parts says all of them at their beginning. FAT's are two. */
const tickOf = (time: string): number => (/\.0*$/.test(time) ? 2 : 0);

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
