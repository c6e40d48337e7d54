/** Which refusals are written now, and which are counted: a seat that asks again and again fills no log. */
export interface RefusalLog<T> {
  /** Whether this one is to be written at once. */
  take(seat: string, text: string, entry: T, nowMs: number): boolean;
  /** What was counted and whose time is up: the last of its kind, and how many there were. */
  due(nowMs: number): { entry: T; count: number }[];
}

interface Held<T> {
  entry: T;
  untilMs: number;
  count: number;
}

/**
 * @param windowMs how long the same one of the same seat is counted
 * @param perSeat how many different ones of a seat are written in that time
 */
export function createRefusalLog<T>(windowMs: number, perSeat = 10, maxKeys = 10_000): RefusalLog<T> {
  const held = new Map<string, Held<T>>();
  const seats = new Map<string, { untilMs: number; kinds: number }>();
  const count = (key: string, entry: T, nowMs: number): boolean => {
    const known = held.get(key);
    if (known) {
      known.entry = entry;
      known.count++;
      return false;
    }
    if (held.size < maxKeys) held.set(key, { entry, untilMs: nowMs + windowMs, count: 0 });
    return true;
  };
  return {
    take(seat, text, entry, nowMs) {
      const key = `${seat}\n${text}`;
      if (held.has(key)) return count(key, entry, nowMs);
      const kinds = seats.get(seat) ?? { untilMs: nowMs + windowMs, kinds: 0 };
      if (seats.size < maxKeys) seats.set(seat, kinds);
      return count(++kinds.kinds > perSeat ? seat : key, entry, nowMs);
    },
    due(nowMs) {
      for (const [seat, { untilMs }] of seats) if (untilMs <= nowMs) seats.delete(seat);
      const ended = [...held].filter(([, { untilMs }]) => untilMs <= nowMs);
      for (const [key] of ended) held.delete(key);
      return ended
        .filter(([, { count: more }]) => more > 0)
        .map(([, { entry, count: more }]) => ({ entry, count: more }));
    },
  };
}
