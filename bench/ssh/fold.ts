import { atMost, type Bench, median } from '../figure.ts';
import { foldNodeset, parseNodeset } from '../../src/lib/nodeset.ts';

const NAMES = 10_000;
const RUNS = 15;
const LIMIT_MS = 50;

/** 10,000 names as one node set and back, in a process that has done it before. */
const bench: Bench = async (report) => {
  const random = randoms(1);
  const below = (n: number): number => Math.floor(random() * n);
  const pad = (n: number, width: number): string => String(n).padStart(width, '0');
  const some = (name: (i: number) => string): string[] => Array.from({ length: NAMES }, (_, i) => name(i));
  const room = some((i) => `pas-r${pad(Math.floor(i / 100) + 1, 3)}p${pad((i % 100) + 1, 2)}`);
  const sets: Record<string, string[]> = {
    'rows, shuffled': shuffle(room, below),
    'six of ten': shuffle(
      some((i) => `m${pad(i * 2 + below(2), 5)}`),
      below,
    ),
    'holes in rows': distinct(() => `pas-r${pad(below(170), 3)}p${pad(below(100), 2)}`),
    'three numbers': distinct(() => `b${below(50)}r${below(50)}p${below(50)}`),
    'nothing in common': distinct(() => `${below(1e9).toString(36)}-pc`),
  };
  const sides = Object.entries(sets).map(
    ([name, names]) => ({ name, names, foldMs: [], unfoldMs: [] }) as Side,
  );
  for (let run = -3; run < RUNS; run++)
    for (const { name, names, foldMs, unfoldMs } of sides) {
      const startMs = performance.now();
      const text = foldNodeset(names);
      const betweenMs = performance.now();
      const back = parseNodeset(text);
      const endMs = performance.now();
      if (run === -3 && back.toSorted().join() !== [...new Set(names)].toSorted().join())
        throw new Error(`${name}: other names came back`);
      if (run < 0) continue;
      foldMs.push(betweenMs - startMs);
      unfoldMs.push(endMs - betweenMs);
    }
  const told = sides.map(({ name, foldMs, unfoldMs }) => ({
    name,
    fold: median(foldMs),
    unfold: median(unfoldMs),
  }));
  for (const { name, fold, unfold } of told)
    report(`${name}: fold ${fold.toFixed(1)} ms, unfold ${unfold.toFixed(1)} ms`);
  return (['fold', 'unfold'] as const).map((way) => {
    const slowest = told.toSorted((a, b) => b[way] - a[way])[0]!;
    const against = `ms for ${NAMES} names, the slowest of ${told.length} kinds of sets: ${slowest.name}`;
    return atMost(`nodeset-${way}-ms`, slowest[way], LIMIT_MS, against, RUNS);
  });
};
export default bench;

interface Side {
  name: string;
  names: string[];
  foldMs: number[];
  unfoldMs: number[];
}

function distinct(name: () => string): string[] {
  const names = new Set<string>();
  while (names.size < NAMES) names.add(name());
  return [...names];
}

function shuffle(names: readonly string[], below: (n: number) => number): string[] {
  const all = [...names];
  for (let i = all.length - 1; i > 0; i--) {
    const j = below(i + 1);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all;
}

/** The same ones each time. */
function randoms(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff) / 0x8000_0000;
}
