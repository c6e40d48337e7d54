/** Clients that boot at once, as a process of their own: `node --import=tsx rfs-boots.ts TASK`; prints what they got. */
import { get } from 'node:http';
import { openNfs } from './rfs-nfs-client.ts';

export interface BootsTask {
  server: string;
  /** A client each. */
  addresses: string[];
  /** `http://SERVER/…`. */
  urls: string[];
  files: { path: string; places: { offset: number; length: number }[] }[];
  /** READs under way at a time, of each client. */
  window: number;
}

/** Of each client what it got, and when it had everything, in s from the start. */
export type BootsReport = { bytes: number; seconds: number }[];

const task = JSON.parse(process.argv[2]!) as BootsTask;
const startMs = performance.now();
const clients = await Promise.all(
  task.addresses.map(async (address) => {
    const parts: number[] = [];
    for (const url of task.urls) parts.push(await fetchAll(url, address));
    const nfs = await openNfs(task.server, address);
    for (const { path, places } of task.files)
      parts.push(await nfs.readAll(await nfs.lookup(path), places, task.window));
    nfs.close();
    const bytes = parts.reduce((sum, part) => sum + part, 0);
    return { bytes, seconds: (performance.now() - startMs) / 1000 };
  }),
);
process.stdout.write(JSON.stringify(clients satisfies BootsReport));

function fetchAll(url: string, localAddress: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { localAddress, agent: false }, (response) => {
      let length = 0;
      if (response.statusCode !== 200) reject(new Error(`${url}: status ${response.statusCode}`));
      response.on('data', (part: Buffer) => (length += part.length));
      response.on('end', () => resolve(length)).on('error', reject);
    }).on('error', reject);
  });
}
