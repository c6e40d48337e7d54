import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectNbd, type NbdAddress } from './nbd-client.ts';

const CHUNK = 1024 ** 2;

/** The files of a home as whoever is at home there has them, by name; what `write` names is put there too. */
export async function filesAt(
  address: NbdAddress,
  write: Record<string, string> = {},
): Promise<Record<string, string>> {
  const dir = mkdtempSync(join(tmpdir(), 'prolo-home-'));
  const client = await connectNbd(address);
  try {
    const image = join(dir, 'image');
    const chunks: Buffer[] = [];
    for (let at = 0; at < client.size; at += CHUNK) chunks.push(await client.read(at, CHUNK));
    writeFileSync(image, Buffer.concat(chunks));
    const debugfs = (...args: string[]): string =>
      execFileSync('debugfs', [...args, image], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    for (const [name, text] of Object.entries(write)) {
      writeFileSync(join(dir, name), text);
      debugfs('-w', '-R', `write ${join(dir, name)} ${name}`);
    }
    const now = readFileSync(image);
    for (const [i, chunk] of chunks.entries()) {
      const changed = now.subarray(i * CHUNK, (i + 1) * CHUNK);
      if (!changed.equals(chunk)) await client.write(i * CHUNK, changed);
    }
    await client.flush();
    const names = debugfs('-R', 'ls -p /')
      .split('\n')
      .flatMap((line) => (line.split('/')[2]?.startsWith('100') ? [line.split('/')[5]!] : []));
    return Object.fromEntries(names.map((name) => [name, debugfs('-R', `cat /${name}`)]));
  } finally {
    await client.close();
    rmSync(dir, { recursive: true, force: true });
  }
}
