import type { IncomingMessage } from 'node:http';

/** What a server answered, whatever its status. */
export interface Answer {
  status: number;
  text: string;
  /** Its clock, as the header says it. */
  date: string | undefined;
}

export interface PostOptions {
  /** Of the body, such as `application/json`. */
  type: string;
  /** For the whole of the answer. */
  timeoutMs: number;
  /** A longer answer is an error. Default: 1 MiB. */
  maxBytes?: number;
}

/** One POST on a connection of its own, with nothing to load but Node's own client. @throws Error when there is no whole answer */
export async function post(url: string, body: string, options: PostOptions): Promise<Answer> {
  const { type, timeoutMs, maxBytes = 1024 ** 2 } = options;
  const { request } = await (url.startsWith('https:') ? import('node:https') : import('node:http'));
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { 'content-type': type, 'content-length': Buffer.byteLength(body) };
    const signal = AbortSignal.timeout(timeoutMs);
    request(url, { method: 'POST', headers, agent: false, signal }, resolve).on('error', reject).end(body);
  });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if ((size += chunk.length) > maxBytes) throw new Error(`answer larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  return { status: response.statusCode ?? 0, text, date: response.headers.date };
}
