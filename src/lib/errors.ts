/**
 * What went wrong, by whose fault. Each kind has one exit status and one HTTP status, here and nowhere else.
 *
 * `bad-input` the caller's words; `config` the site's files; `not-found`, `conflict` (clashes with what is
 * there); `forbidden`; `too-many` (rate limit); `full` (a pool, a disk); `unavailable` (a database, a daemon, a
 * program that is not there); `refused` (a checker said no); `failed` anything else.
 */
const STATUS = {
  failed: { exit: 1, http: 500 },
  'bad-input': { exit: 2, http: 400 },
  config: { exit: 3, http: 500 },
  'not-found': { exit: 4, http: 404 },
  conflict: { exit: 5, http: 409 },
  forbidden: { exit: 6, http: 403 },
  'too-many': { exit: 6, http: 429 },
  full: { exit: 7, http: 507 },
  unavailable: { exit: 8, http: 503 },
  refused: { exit: 9, http: 500 },
} as const;

export type ErrorKind = keyof typeof STATUS;

export function isErrorKind(text: unknown): text is ErrorKind {
  return typeof text === 'string' && Object.hasOwn(STATUS, text);
}

/** The one error class that people see: object first, then the value, then the way out (`hint`). */
export class ProloError extends Error {
  readonly kind: ErrorKind;
  readonly hint: string | undefined;

  constructor(kind: ErrorKind, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ProloError';
    this.kind = kind;
    this.hint = options.hint;
  }

  get exitStatus(): number {
    return STATUS[this.kind].exit;
  }

  get httpStatus(): number {
    return STATUS[this.kind].http;
  }
}

/** Any thrown thing as a ProloError; what was not one is a bug or an outside fault and keeps its cause. */
export function asProloError(error: unknown): ProloError {
  if (error instanceof ProloError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_SHMSIZE' || code === '53100')
    return new ProloError('full', `no space left: ${cause.message}`, {
      hint: 'free some space, then run it again',
      cause,
    });
  if (code === 'SQLITE_BUSY' || code === 'SQLITE_BUSY_SNAPSHOT' || code === 'SQLITE_LOCKED')
    return new ProloError('unavailable', `database locked: ${cause.message}`, {
      hint: 'another process holds it; try again',
      cause,
    });
  if (code?.startsWith('SQLITE_READONLY'))
    return new ProloError('unavailable', 'database: it may be read here, and not written', {
      hint: 'run it as the user whom the database belongs to; is its disk mounted read-only?',
      cause,
    });
  if (code?.startsWith('SQLITE_') && !code.startsWith('SQLITE_CONSTRAINT'))
    return new ProloError('unavailable', `database: ${cause.message}`, {
      hint: 'see `database` in prolo.yml',
      cause,
    });
  // Of PostgreSQL, asked without a transaction: see also store/store.ts.
  if (
    /^(57P|25P03$)/.test(code ?? '') ||
    /Query read timeout|Connection terminated unexpectedly/.test(cause.message)
  )
    return new ProloError('unavailable', `database: ${cause.message}`, { hint: 'is it running?', cause });
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'ECONNRESET' || code === 'ETIMEDOUT')
    return new ProloError('unavailable', cause.message || code, { cause });
  return new ProloError('failed', cause.message, { cause });
}
