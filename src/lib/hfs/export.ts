import { randomBytes, randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { ProloError } from '../errors.ts';
import { parsePorts } from '../net.ts';
import { ownerOf } from './home-name.ts';
import type { Qmp } from './qmp.ts';
import type { Export } from './record.ts';
import type { Hfs } from './server.ts';
import { serveHome } from './storage.ts';

/** Others may take a port between the look and the use of it. */
const ATTEMPTS = 20;

/** A name that cannot be guessed, and a port that `use` could listen on. */
export async function openExport(
  hfs: Hfs,
  name: string,
  peer: string,
  use: (port: number) => Promise<void>,
): Promise<Export> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort(hfs);
    const opened = { name, port, peer };
    try {
      await use(port);
      await hfs.firewall.allow(opened);
      return opened;
    } catch (error) {
      if (attempt === ATTEMPTS || !/in use/i.test(String(error))) throw error;
    }
  }
}

export const newToken = (): string => randomBytes(16).toString('hex');

/** Serves a home to the client at `peer`, and to nobody else; whoever had it before is cut off. */
export async function openToClient(
  hfs: Hfs,
  qmp: Qmp,
  node: string,
  login: string,
  peer: string,
): Promise<Export> {
  const name = hfs.site.config.hfs.exportName === 'login' ? ownerOf(login) : newToken();
  return openExport(hfs, name, peer, (port) => serveHome(qmp, node, name, { host: hfs.host, port }));
}

async function freePort(hfs: Hfs): Promise<number> {
  const { first, last } = parsePorts(hfs.site.config.hfs.ports)!;
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(first, last + 1);
    if (await isFree(hfs.host, port)) return port;
  }
  throw new ProloError('full', `hfs ${hfs.number}: no free port in ${hfs.site.config.hfs.ports}`, {
    hint: 'see hfs.ports in prolo.yml',
  });
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
