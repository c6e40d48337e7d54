import { renderTemplate } from '../template.ts';
import type { SeatFacts, SeatState } from './facts.ts';

/** In px. */
const SEAT = { width: 104, height: 46, gap: 8 };
const MARGIN = 24;
const TITLE = 36;
const STATES: SeatState[] = ['taken', 'free', 'faulty', 'down', 'unknown'];

/**
 * The rooms, one below the other, each seat where the plan says. Seats of a room that are nearer to each other than one step overlap.
 * @param at when it was so
 */
export function drawMap(seats: readonly SeatFacts[], at: Date): string {
  const rooms: object[] = [];
  let y = MARGIN;
  let width = 0;
  for (const [name, there] of byRoom(seats)) {
    const [left, top] = [Math.min(...there.map((seat) => seat.x)), Math.min(...there.map((seat) => seat.y))];
    const placed = there.map((seat) => ({
      state: seat.state,
      x: MARGIN + (seat.x - left) * (SEAT.width + SEAT.gap),
      y: y + TITLE + (seat.y - top) * (SEAT.height + SEAT.gap),
      hostname: escapeXml(seat.hostname),
      login: escapeXml(seat.login ?? ''),
      title: escapeXml(describe(seat)),
    }));
    rooms.push({ name: escapeXml(name), count: countStates(there), y: y + TITLE / 2, seats: placed });
    y = Math.max(...placed.map((seat) => seat.y)) + SEAT.height + MARGIN;
    width = Math.max(width, ...placed.map((seat) => seat.x + SEAT.width + MARGIN));
  }
  return renderTemplate('usermap/map.svg', {
    ...{ rooms, SEAT, at: at.toISOString().slice(0, 16).replace('T', ' ') },
    ...{ width: Math.max(width, 320), height: y + MARGIN, margin: MARGIN },
  });
}

function byRoom(seats: readonly SeatFacts[]): Map<string, SeatFacts[]> {
  const rooms = new Map<string, SeatFacts[]>();
  for (const seat of seats) rooms.set(seat.room, [...(rooms.get(seat.room) ?? []), seat]);
  return rooms;
}

/** `12 taken, 3 free` */
export function countStates(seats: readonly SeatFacts[]): string {
  return STATES.flatMap((state) => {
    const count = seats.filter((seat) => seat.state === state).length;
    return count > 0 ? [`${count} ${state}`] : [];
  }).join(', ');
}

function describe({ hostname, state, login, details }: SeatFacts): string {
  if (state === 'unknown') return `${hostname}: MDB knows no such machine`;
  return `${hostname}: ${login ?? state}${details === undefined ? '' : ` (${details})`}`;
}

/** For text and attributes; what no XML may hold becomes a question mark. */
export function escapeXml(text: string): string {
  const named: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '?')
    .replace(/[&<>"']/g, (char) => named[char]!);
}
