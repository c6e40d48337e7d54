import { isDeepStrictEqual } from 'node:util';
import type { Update } from '../store/change-log.ts';

/** What became of a key between two moments. */
export type Kind = 'created' | 'updated' | 'deleted';

/**
 * Applies one line of a feed to `state`, which it changes, and says what became of each key, against what was
 * there before the line. A record that is as it was is not reported.
 * @param pk the field that names a record
 * @param watch with it, `updated` is reported only where one of these fields changed
 */
export function applyUpdates<R extends object, K = string>(
  pk: string,
  state: Map<K, R>,
  updates: readonly Update<R>[],
  watch?: ReadonlySet<string>,
): Map<K, Kind> {
  const before = new Map<K, R | undefined>();
  for (const { type, data } of updates) {
    const key = keyOf<K>(pk, data);
    if (!before.has(key)) before.set(key, state.get(key));
    if (type === 'delete') state.delete(key);
    else state.set(key, data);
  }
  return compare(before, state, watch);
}

/** Like `applyUpdates` for a line that is the whole state: a key that it does not name is deleted. */
export function replaceState<R extends object, K = string>(
  pk: string,
  state: Map<K, R>,
  updates: readonly Update<R>[],
  watch?: ReadonlySet<string>,
): Map<K, Kind> {
  const before = new Map<K, R | undefined>(state);
  state.clear();
  for (const { type, data } of updates) {
    const key = keyOf<K>(pk, data);
    if (!before.has(key)) before.set(key, undefined);
    if (type === 'delete') state.delete(key);
    else state.set(key, data);
  }
  return compare(before, state, watch);
}

function keyOf<K>(pk: string, data: object): K {
  return (data as Record<string, K>)[pk]!;
}

function compare<R extends object, K>(
  before: Iterable<[K, R | undefined]>,
  state: ReadonlyMap<K, R>,
  watch: ReadonlySet<string> | undefined,
): Map<K, Kind> {
  const changes = new Map<K, Kind>();
  for (const [key, old] of before) {
    const now = state.get(key);
    if (now === undefined) {
      if (old !== undefined) changes.set(key, 'deleted');
    } else if (old === undefined) changes.set(key, 'created');
    else if (differs(old, now, watch)) changes.set(key, 'updated');
  }
  return changes;
}

function differs(old: object, now: object, watch: ReadonlySet<string> | undefined): boolean {
  if (!watch) return !isDeepStrictEqual(old, now);
  const [a, b] = [old, now] as Record<string, unknown>[];
  return [...watch].some((field) => !isDeepStrictEqual(a![field], b![field]));
}
