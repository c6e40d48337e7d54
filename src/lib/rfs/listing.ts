/** What a folder says of one file. Times are whole seconds, as an image keeps them. */
export interface FileFacts {
  kind: 'file' | 'folder' | 'link' | 'device' | 'pipe' | 'socket';
  /** Octal, as `644`. */
  mode: string;
  /** `uid:gid` */
  owner: string;
  /** Of a file. */
  bytes: number;
  mtime: number;
  /** Of a link, or a device's kind and numbers; else empty. */
  target: string;
}

/** By path, without a leading slash; the root itself is left out. */
export type Listing = Map<string, FileFacts>;

/** In front of the files' contents. */
const END = '\n#\n# START OF DATA';

/** Collects the head of what `unsquashfs -pf` prints. */
export function createHead(): { push(part: Buffer): boolean; whole(): boolean; text(): string } {
  const parts: Buffer[] = [];
  let tail = '';
  let whole = false;
  return {
    /** @returns whether it is all there */
    push(part) {
      if (whole) return true;
      parts.push(part);
      const text = tail + part.toString('latin1');
      tail = text.slice(-END.length);
      return (whole = text.includes(END));
    },
    whole: () => whole,
    text() {
      const text = Buffer.concat(parts).toString('utf8');
      const end = text.indexOf(END);
      return end < 0 ? text : text.slice(0, end);
    },
  };
}

const ENTRY = /^((?:\\[^]|[^\\ ])+) ([DRSCBIL]) ([^]*)$/;
const KINDS: Record<string, FileFacts['kind']> = {
  D: 'folder',
  R: 'file',
  S: 'link',
  C: 'device',
  B: 'device',
  I: 'pipe',
};

/** @param text `path kind time mode uid gid …`, a line each; blanks in paths are escaped, line ends are not. */
export function parsePseudo(text: string): Listing {
  const listing: Listing = new Map();
  const links: [path: string, to: string][] = [];
  let begun = '';
  for (const line of text.split('\n')) {
    const [, path, kind = '', rest = ''] = ENTRY.exec(begun + line) ?? [];
    if (path === undefined) {
      begun += `${line}\n`;
      continue;
    }
    begun = '';
    if (path === '/') continue;
    if (kind === 'L') links.push([unescape(path), unescape(rest)]);
    else listing.set(unescape(path), parseFacts(kind, rest));
  }
  for (const [path, to] of links) if (listing.has(to)) listing.set(path, listing.get(to)!);
  return listing;
}

function parseFacts(kind: string, rest: string): FileFacts {
  const [time, mode, uid, gid, ...more] = rest.split(' ');
  const socket = kind === 'I' && more[0] === 's';
  return {
    kind: socket ? 'socket' : KINDS[kind]!,
    mode: mode!,
    owner: `${uid}:${gid}`,
    bytes: kind === 'R' ? Number(more[0]) : 0,
    mtime: Number(time),
    target:
      kind === 'S' ? more.join(' ') : 'CB'.includes(kind) ? [kind, ...more].join(' ').toLowerCase() : '',
  };
}

function unescape(text: string): string {
  return text.replace(/\\([^])/g, '$1');
}

/** For `find -printf`, each field ending in a NUL: path, kind, mode, owner, size, time, a link's target. */
export const FIND_FORMAT = ['%P', '%y', '%m', '%U:%G', '%s', '%T@', '%l']
  .map((field) => `${field}\\0`)
  .join('');

const FIND_KINDS: Record<string, FileFacts['kind']> = {
  d: 'folder',
  f: 'file',
  l: 'link',
  c: 'device',
  b: 'device',
  p: 'pipe',
  s: 'socket',
};

/** @param text as `find -printf` prints it with `FIND_FORMAT`. */
export function parseFind(text: string): Listing {
  const listing: Listing = new Map();
  const fields = text.split('\0');
  for (let i = 0; i + 6 < fields.length; i += 7) {
    const [path, kind, mode, owner, bytes, time, target] = fields.slice(i, i + 7) as string[];
    if (path === '') continue;
    listing.set(path!, {
      kind: FIND_KINDS[kind!] ?? 'file',
      mode: mode!,
      owner: owner!,
      bytes: kind === 'f' ? Number(bytes) : 0,
      mtime: Math.floor(Number(time)),
      target: target!,
    });
  }
  return listing;
}

/** Whether a path, or a folder that it is in, is among patterns such as `proc/*` and `var/cache/apt/archives/*.deb`. In linear time. */
export function matchesAny(patterns: readonly string[]): (path: string) => boolean {
  const all = new RegExp(`^(?:${patterns.map(patternText).join('|')})(?:/|$)`);
  return (path) => all.test(path);
}

/** Each star but the last ends where what comes after it is first found: none is tried at a second place, or many stars would take years. */
function patternText(pattern: string): string {
  const [first = '', ...others] = pattern
    .split(/\*+/)
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const last = others.pop();
  const between = others.map((part) => `(?:(?!${part})[^/])*${part}`);
  return [first, ...between, ...(last === undefined ? [] : [`[^/]*${last}`])].join('');
}
