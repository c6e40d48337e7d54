import type { Logger } from 'pino';
import { pino } from 'pino';
import { printable } from './cli/table.ts';

export type { Logger };

/**
 * JSON lines on standard error, or lines for a person where that is a terminal; standard output belongs to a command's
 * result. Secrets never reach it.
 */
export function createLog(level = 'info', human = process.stderr.isTTY): Logger {
  const destination = human
    ? { write: (line: string) => void process.stderr.write(humanLine(line)) }
    : pino.destination({ dest: 2, sync: true });
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ['hmac', 'secret', 'password', '*.hmac', '*.password', 'req.headers.authorization'],
    },
    destination,
  );
}

/** `12:03:04 warn mdbdns: named is not running (hint: …)` */
export function humanLine(line: string): string {
  const { level, time, daemon, msg, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const details = Object.entries(rest).map(
    ([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const words = pino.levels.labels[Number(level)] ?? '';
  return `${String(time).slice(11, 19)} ${words.padEnd(5)} ${daemon === undefined ? '' : `${printable(daemon)}: `}${printable(msg)}${details.length ? `  (${printable(details.join(', '))})` : ''}\n`;
}

/** For tests and for library calls that nobody watches. */
export const silentLog: Logger = pino({ level: 'silent' });
