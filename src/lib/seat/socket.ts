import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { asProloError, ProloError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Caller, LastTry, Seat } from './seat.ts';

const MAX_BODY_BYTES = 4096;

/** What PAM's hook asks for. */
export interface Ask {
  hook: 'account' | 'open_session' | 'close_session';
  login: string;
  /** The process that PAM runs in: it holds the session open. */
  holder: number;
}

/** What the doctor asks for. */
export interface SeatState {
  lastTry: LastTry | null;
  /** Whose session there is. */
  session: string | null;
}

/** @throws ProloError `bad-input` */
export function parseAsk(path: string, body: string): Ask {
  const form = new URLSearchParams(body);
  const hook = path.slice(1);
  const login = form.get('user') ?? '';
  const holder = form.get('holder') ?? '0';
  if (hook !== 'account' && hook !== 'open_session' && hook !== 'close_session')
    throw new ProloError('bad-input', 'presenced: /account, /open_session or /close_session');
  if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(login))
    throw new ProloError('bad-input', 'this is no login of the site');
  if (!/^\d{1,10}$/.test(holder)) throw new ProloError('bad-input', 'holder: not a process');
  return { hook, login, holder: Number(holder) };
}

/**
 * Listens for PAM's hook, on a unix socket that root alone can open. An answer is lines as they come: `progress TEXT` any
 * number of times, then `ok`, or `no TEXT` with the sentence for the person.
 */
export async function listenForPam(path: string, seat: Seat, log: Logger): Promise<Server> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  rmSync(path, { force: true });
  const server = createServer((request, response) => void answer(seat, log, request, response));
  const before = process.umask(0o077);
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
  } finally {
    process.umask(before);
  }
  chmodSync(path, 0o600);
  return server;
}

async function answer(
  seat: Seat,
  log: Logger,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.url === '/state') {
    const { lastTry, session } = seat;
    const state: SeatState = { lastTry: lastTry ?? null, session: session?.login ?? null };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(state));
    return;
  }
  const say = (line: string): void => void response.write(`${line.replaceAll(/\p{Cc}+/gu, ' ')}\n`);
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).flushHeaders();
  try {
    const { hook, login, holder } = parseAsk(request.url ?? '', await readBody(request));
    const caller: Caller = {
      // The hook puts it between the quotes of a JSON text.
      progress: (text) => say(`progress ${text.replaceAll(/["\\]/g, "'")}`),
      gone: () => response.destroyed,
    };
    if (hook === 'account') await seat.account(login, caller);
    else if (hook === 'open_session') await seat.open(login, holder, caller);
    else await seat.close(login, holder);
    say('ok');
  } catch (error) {
    const { message, hint } = asProloError(error);
    log.warn({ url: request.url, error: message }, 'login: refused');
    say(`no ${message}${hint ? ` (${hint})` : ''}`);
  }
  response.end();
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>)
    if ((body += chunk).length > MAX_BODY_BYTES) throw new ProloError('bad-input', 'presenced: too long');
  return body;
}
