import type { Logger } from 'pino';
import { pino } from 'pino';

export type { Logger };

/** JSON lines on standard error; standard output belongs to a command's result. Secrets never reach it. */
export function createLog(level = 'info'): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ['hmac', 'secret', 'password', '*.hmac', '*.password', 'req.headers.authorization'],
    },
    pino.destination({ dest: 2, sync: true }),
  );
}

/** For tests and for library calls that nobody watches. */
export const silentLog: Logger = pino({ level: 'silent' });
