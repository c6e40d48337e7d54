import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';

/**
 * Asks for each of `paths` once, over some connections that stay open, one request at a time on each.
 * @param headers lines of a request's head, each ended by \r\n
 */
export async function askAll(
  port: number,
  paths: readonly string[],
  connections: number,
  headers = '',
): Promise<void> {
  let next = 0;
  const take = (): string | undefined => paths[next++];
  await Promise.all(Array.from({ length: connections }, () => askOn(port, take, headers)));
}

function askOn(port: number, take: () => string | undefined, headers: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let received = '';
    const ask = (): void => {
      const path = take();
      if (path === undefined) socket.end(() => resolve());
      else socket.write(`GET ${path} HTTP/1.1\r\nhost: netboot\r\nuser-agent: iPXE/1.0.0+\r\n${headers}\r\n`);
    };
    socket.setEncoding('latin1');
    socket.on('connect', ask);
    socket.on('error', reject);
    socket.on('data', (part: Buffer | string) => {
      received += String(part);
      const length = responseLength(received, socket);
      if (length === undefined || received.length < length) return;
      received = '';
      ask();
    });
  });
}

/** The length of the response whose beginning this is, once its header is whole. */
function responseLength(text: string, socket: Socket): number | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const length = /^HTTP\/1\.1 200 [^]*\r\ncontent-length: (\d+)\r\n/i.exec(text.slice(0, end + 2));
  if (!length) socket.destroy(new Error(`not what was asked for: ${text.slice(0, 200)}`));
  return end + 4 + Number(length?.[1] ?? Infinity);
}

/** CPU time that a process has used so far, all of its threads. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100; // USER_HZ is 100 on all that Linux runs on
}
