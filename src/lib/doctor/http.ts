import { createHash } from 'node:crypto';
import { type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface Asked {
  signal: AbortSignal;
  /** For all of it, also the last byte. */
  timeoutMs: number;
  headers?: Record<string, string>;
  method?: 'HEAD';
  /** All of its text is wanted, not the beginning alone. */
  whole?: boolean;
}

export interface Page {
  status: number;
  headers: IncomingHttpHeaders;
  bytes: number;
  sha256: string;
  /** Its beginning. */
  text: string;
}

/** One connection a page: one that was kept from before says nothing of whether anybody answers now. */
export async function getPage(url: string, asked: Asked): Promise<Page> {
  const limit = AbortSignal.any([asked.signal, AbortSignal.timeout(asked.timeoutMs)]);
  const response = await open(url, asked, limit);
  const hash = createHash('sha256');
  let bytes = 0;
  let text = '';
  for await (const chunk of response as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
    if (asked.whole || text.length < 4096) text += chunk.toString('latin1');
  }
  return { status: response.statusCode!, headers: response.headers, bytes, sha256: hash.digest('hex'), text };
}

function open(url: string, { headers = {}, method }: Asked, signal: AbortSignal) {
  const request = url.startsWith('https:') ? requestHttps : requestHttp;
  return new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { agent: false, signal, headers, ...(method ? { method } : {}) }, resolve)
      .on('error', reject)
      .end();
  });
}

/** Why nobody answered, in a few words. */
export function whyNot(error: unknown, timeoutMs: number): string {
  const { code, name, message } = error as NodeJS.ErrnoException;
  if (name === 'AbortError' || name === 'TimeoutError') return `no answer in ${timeoutMs / 1000} s`;
  if (code === 'ECONNREFUSED') return 'not running';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its name cannot be looked up';
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return 'that host cannot be reached';
  return message;
}
