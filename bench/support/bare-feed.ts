/** The peer of a feed: node:http and nothing else. `GET` holds a response open, `POST` writes its body to all of them. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const open = new Set<ServerResponse>();
const first = Buffer.from(process.argv[2] ?? '[]\n');

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.write(first);
    open.add(response);
    response.on('close', () => open.delete(response));
    return;
  }
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts);
    for (const one of open) one.write(body);
    response.end('ok\n');
  });
});
server.listen(0, '127.0.0.1', () => {
  console.log(`port ${(server.address() as AddressInfo).port}`);
});
