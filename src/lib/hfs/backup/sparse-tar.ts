/** A part of a file that holds data; what lies between such parts are zeros. */
export interface Extent {
  start: number;
  length: number;
}

/**
 * Extents in whole blocks of `grain` bytes, those that touch as one: fewer to write down, and small changes of the map do
 * not shift everything behind them.
 */
export function mergeExtents(extents: readonly Extent[], sizeBytes: number, grain = 64 * 1024): Extent[] {
  const merged: Extent[] = [];
  for (const { start, length } of extents) {
    if (length === 0) continue;
    const from = Math.floor(start / grain) * grain;
    const to = Math.min(sizeBytes, Math.ceil((start + length) / grain) * grain);
    const last = merged.at(-1);
    if (last && last.start + last.length >= from) last.length = Math.max(last.length, to - last.start);
    else merged.push({ start: from, length: to - from });
  }
  return merged;
}

/** An image as a tar: `head`, the bytes of the extents, `tail`. */
export interface SparseTar {
  head: Buffer;
  tail: Buffer;
  totalBytes: number;
}

const BLOCK = 512;

/**
 * A tar that holds one sparse file, as GNU tar writes it (PAX format 1.0): only the data is in it, and any `tar -x` makes
 * the file from it, holes and all.
 */
export function layOutTar(
  name: string,
  sizeBytes: number,
  extents: readonly Extent[],
  mtimeSeconds: number,
): SparseTar {
  const entries = [...extents];
  const last = entries.at(-1);
  if (!last || last.start + last.length < sizeBytes) entries.push({ start: sizeBytes, length: 0 });
  const map = padded(
    Buffer.from(
      [entries.length, ...entries.flatMap(({ start, length }) => [start, length])].join('\n') + '\n',
    ),
  );
  const dataBytes = extents.reduce((sum, { length }) => sum + length, 0);
  const stored = map.length + dataBytes;
  const records = padded(
    Buffer.from(
      [
        ['size', stored],
        ['GNU.sparse.major', 1],
        ['GNU.sparse.minor', 0],
        ['GNU.sparse.name', name],
        ['GNU.sparse.realsize', sizeBytes],
      ]
        .map(([key, value]) => paxRecord(`${key}=${value}`))
        .join(''),
    ),
  );
  const recordsLength = unpaddedLength(records);
  const head = Buffer.concat([
    tarHeader(`PaxHeaders/${name}`, recordsLength, mtimeSeconds, 'x'),
    records,
    tarHeader(`GNUSparseFile.0/${name}`, stored, mtimeSeconds, '0'),
    map,
  ]);
  const tail = Buffer.alloc(((BLOCK - (dataBytes % BLOCK)) % BLOCK) + 2 * BLOCK);
  return { head, tail, totalBytes: head.length + dataBytes + tail.length };
}

function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc((BLOCK - (data.length % BLOCK)) % BLOCK)]);
}

/** Of a text without NULs that was padded with them. */
function unpaddedLength(data: Buffer): number {
  const end = data.indexOf(0);
  return end < 0 ? data.length : end;
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function paxRecord(text: string): string {
  const rest = text.length + 2;
  let length = rest + 1;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return `${length} ${text}\n`;
}

/** What is too large for its octal field is told by a PAX record before it. */
function tarHeader(name: string, sizeBytes: number, mtimeSeconds: number, type: 'x' | '0'): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, width: number): void => {
    header.write(
      `${Math.min(value, 8 ** (width - 1) - 1)
        .toString(8)
        .padStart(width - 1, '0')}\0`,
      at,
    );
  };
  header.write(name.slice(0, 100), 0);
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(sizeBytes, 124, 12);
  octal(Math.floor(mtimeSeconds), 136, 12);
  header.write(' '.repeat(8), 148);
  header.write(type, 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}
