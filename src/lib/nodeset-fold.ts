/** A box of names: for each place of digits its numbers, and their text. */
interface Block {
  codes: number[][];
  texts: string[];
}

/** Digits as one number, sorted by length, then by value: `9`, `09` and `10` differ, and 9 comes just before 10. */
const WIDTH = 1e12;
const MAX_DIGITS = 12; // a longer run of digits is text

/**
 * Names as one node set, the numbers in them folded into ranges wherever whole boxes fill up: `pas-r[01-12]p[01-08]`.
 * `parseNodeset` of it gives the same names. Their order does not matter.
 */
export function foldNodeset(names: Iterable<string>): string {
  const families = new Map<string, { literals: string[]; blocks: Block[] }>();
  for (const name of new Set(names)) {
    const { literals, texts } = splitDigits(name);
    const key = literals.join('\0');
    const block = { codes: texts.map((digits) => [digits.length * WIDTH + Number(digits)]), texts };
    const family = families.get(key);
    if (family) family.blocks.push(block);
    else families.set(key, { literals, blocks: [block] });
  }
  return [...families]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { literals, blocks }]) => foldFamily(literals, blocks))
    .join(',');
}

/** `pas-r01p02` as the literals `pas-r`, `p`, `` and the digits `01`, `02`. */
function splitDigits(name: string): { literals: string[]; texts: string[] } {
  const literals: string[] = [];
  const texts: string[] = [];
  let literal = 0;
  for (let i = 0; i < name.length;) {
    const start = i;
    while (name.charCodeAt(i) >= 48 && name.charCodeAt(i) <= 57) i++;
    if (i > start && i - start <= MAX_DIGITS) {
      literals.push(name.slice(literal, start));
      texts.push(name.slice(start, i));
      literal = i;
    } else if (i === start) i++;
  }
  literals.push(name.slice(literal));
  return { literals, texts };
}

function foldFamily(literals: string[], blocks: Block[]): string {
  const places = literals.slice(1).map((_, place) => place);
  const ways = places.length > 1 ? [places.toReversed(), places] : [places];
  let shortest: string | undefined;
  for (const order of ways) {
    const merged = mergeBlocks(blocks, order).sort((a, b) => compareCodes(a.codes, b.codes));
    const text = merged
      .map((block) => literals.map((literal, i) => literal + (block.texts[i] ?? '')).join(''))
      .join(',');
    if (shortest === undefined || text.length < shortest.length) shortest = text;
    if (merged.length === 1) break;
  }
  return shortest!;
}

function compareCodes(a: number[][], b: number[][]): number {
  const place = a.findIndex((codes, i) => codes[0] !== b[i]![0]);
  return place < 0 ? 0 : a[place]![0]! - b[place]![0]!;
}

/** Joins blocks that differ in one place only, place by place, until none do. */
function mergeBlocks(blocks: Block[], order: number[]): Block[] {
  for (let before = Infinity; blocks.length < before && blocks.length > 1;) {
    before = blocks.length;
    for (const place of order) blocks = mergeAlong(blocks, place);
  }
  return blocks;
}

function mergeAlong(blocks: Block[], place: number): Block[] {
  const alike = new Map<string, Block[]>();
  for (const block of blocks) {
    let rest = '';
    for (let i = 0; i < block.texts.length; i++) if (i !== place) rest += `${block.texts[i]} `;
    const group = alike.get(rest);
    if (group) group.push(block);
    else alike.set(rest, [block]);
  }
  return [...alike.values()].map((group) => {
    const [first] = group as [Block];
    if (group.length === 1) return first;
    const codes = Float64Array.from(group.flatMap((block) => block.codes[place]!)).sort();
    const text = `[${foldCodes(codes)}]`;
    return { codes: first.codes.with(place, [...codes]), texts: first.texts.with(place, text) };
  });
}

/** Sorted numbers as `1-3,5`. A range goes on from 9 to 10 unless its first number is padded. */
function foldCodes(codes: Float64Array): string {
  const ranges: string[] = [];
  for (let i = 0; i < codes.length;) {
    const start = i;
    const from = toDigits(codes[start]!);
    const padded = from.length > 1 && from.startsWith('0');
    while (++i < codes.length) {
      const step = codes[i]! - codes[i - 1]!;
      if (step !== 1 && (padded || step !== WIDTH + 1 || toDigits(codes[i]!).startsWith('0'))) break;
    }
    ranges.push(start === i - 1 ? from : `${from}-${toDigits(codes[i - 1]!)}`);
  }
  return ranges.join(',');
}

function toDigits(code: number): string {
  return String(code % WIDTH).padStart(Math.floor(code / WIDTH), '0');
}
