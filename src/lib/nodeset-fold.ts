/** What stands in one place of digits: its text, and the numbers that it means. */
interface Term {
  text: string;
  codes: number[];
}

/** Each term once, and its id by its text: ids are compared much faster, and the same numbers are kept once. */
interface Terms {
  all: Term[];
  ids: Map<string, number>;
}

/** A box of names: for each place of digits the id of its term. */
type Block = number[];

/** Digits as one number, sorted by length, then by value: `9`, `09` and `10` differ, and 9 comes just before 10. */
const WIDTH = 1e12;
const MAX_DIGITS = 12; // a longer run of digits is text
/** Two ids are one exact number. */
const MAX_IDS = 2 ** 26;

/**
 * Names as one node set, the numbers in them folded into ranges wherever whole boxes fill up: `pas-r[01-12]p[01-08]`.
 * `parseNodeset` of it gives the same names. Their order does not matter.
 */
export function foldNodeset(names: Iterable<string>): string {
  const families = new Map<string, { literals: string[]; blocks: Block[]; terms: Terms }>();
  for (const name of new Set(names)) {
    const { literals, texts } = splitDigits(name);
    const key = literals.join('\0');
    let family = families.get(key);
    if (!family) families.set(key, (family = { literals, blocks: [], terms: { all: [], ids: new Map() } }));
    const { blocks, terms } = family;
    blocks.push(texts.map((digits) => idOf(terms, digits, () => [digits.length * WIDTH + Number(digits)])));
  }
  return [...families]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { literals, blocks, terms }]) => foldFamily(literals, blocks, terms))
    .join(',');
}

function idOf({ all, ids }: Terms, text: string, codes: () => number[]): number {
  let id = ids.get(text);
  if (id === undefined) {
    id = all.push({ text, codes: codes() }) - 1;
    ids.set(text, id);
  }
  return id;
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

function foldFamily(literals: string[], blocks: Block[], terms: Terms): string {
  const places = literals.slice(1).map((_, place) => place);
  const ways = places.length > 1 ? [places.toReversed(), places] : [places];
  let shortest: string | undefined;
  for (const order of ways) {
    const merged = mergeBlocks(blocks, order, terms).toSorted((a, b) => compareBlocks(a, b, terms));
    const text = merged
      .map((block) => literals.map((literal, i) => literal + (terms.all[block[i]!]?.text ?? '')).join(''))
      .join(',');
    if (shortest === undefined || text.length < shortest.length) shortest = text;
    if (merged.length === 1) break;
  }
  return shortest!;
}

function compareBlocks(a: Block, b: Block, { all }: Terms): number {
  for (let place = 0; place < a.length; place++) {
    const order = a[place] === b[place] ? 0 : all[a[place]!]!.codes[0]! - all[b[place]!]!.codes[0]!;
    if (order !== 0) return order;
  }
  return 0;
}

/** Joins blocks that differ in one place only, place by place, until none do. */
function mergeBlocks(blocks: Block[], order: readonly number[], terms: Terms): Block[] {
  // What was joined along a place can be joined along it again only once it was along another.
  let idle = 0;
  for (let turn = 0; idle < order.length && blocks.length > 1; turn++) {
    const before = blocks.length;
    blocks = mergeAlong(blocks, order[turn % order.length]!, terms);
    idle = blocks.length < before ? 1 : idle + 1;
  }
  return blocks;
}

function mergeAlong(blocks: Block[], place: number, terms: Terms): Block[] {
  const restOf = createRest(place);
  const found = new Map<number, number>();
  const merged: Block[] = [];
  const groups = new Map<number, number[]>();
  for (const block of blocks) {
    const rest = restOf(block);
    const at = found.get(rest);
    if (at === undefined) found.set(rest, merged.push(block) - 1);
    else {
      const group = groups.get(at);
      if (group) group.push(block[place]!);
      else groups.set(at, [merged[at]![place]!, block[place]!]);
    }
  }
  for (const [at, ids] of groups) {
    const codes = ids.flatMap((id) => terms.all[id]!.codes).sort((a, b) => a - b);
    merged[at] = merged[at]!.with(
      place,
      idOf(terms, `[${foldCodes(codes)}]`, () => codes),
    );
  }
  return merged;
}

/** A number for what a block has in all places but one: alike blocks have the same. */
function createRest(place: number): (block: Block) => number {
  const pairs = new Map<number, number>();
  return (block) => {
    let rest = -1;
    for (let i = 0; i < block.length; i++) {
      if (i === place) continue;
      if (rest >= MAX_IDS) {
        let id = pairs.get(rest);
        if (id === undefined) pairs.set(rest, (id = pairs.size));
        rest = id;
      }
      rest = rest < 0 ? block[i]! : (rest + 1) * MAX_IDS + block[i]!;
    }
    return rest;
  };
}

/** Sorted numbers as `1-3,5`. A range goes on from 9 to 10 unless its first number is padded. */
function foldCodes(codes: readonly number[]): string {
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
