import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** A line of Kea's lease file: what became of one lease. */
export interface Lease {
  mac: string;
  ip: string;
  hostname: string;
  /** When it was asked for or renewed; Kea counts whole seconds. */
  startMs: number;
  lifetimeMs: number;
  /** It is free again: released, declined, expired or taken away. */
  gone: boolean;
}

/** Reads a lease file in pieces of any size. Later Keas have more columns, so a header says what is where. */
export function createLeaseParser(): { push(text: string): Lease[] } {
  let rest = '';
  let columns: string[] = [];
  return {
    push(text) {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      const leases: Lease[] = [];
      for (const line of lines) {
        const fields = line.trimEnd().split(','); // Kea writes a comma within a field as &#x2c
        if (fields[0] === 'address') columns = fields;
        else {
          const lease = parseLease(columns, fields);
          if (lease) leases.push(lease);
        }
      }
      return leases;
    },
  };
}

function parseLease(columns: string[], fields: string[]): Lease | undefined {
  const field = (name: string): string => fields[columns.indexOf(name)] ?? '';
  const [ip, mac] = [field('address'), field('hwaddr')];
  const lifetime = Number(field('valid_lifetime') || NaN);
  const expire = Number(field('expire') || NaN);
  if (!ip || !mac || !Number.isInteger(lifetime) || !Number.isInteger(expire)) return undefined;
  return {
    ip,
    mac: mac.toLowerCase(),
    hostname: field('hostname').replaceAll('&#x2c', ',').replace(/\.$/, ''),
    startMs: (expire - lifetime) * 1000,
    lifetimeMs: lifetime * 1000,
    gone: lifetime === 0 || field('state') !== '0',
  };
}

/** Every line of a lease file as it is now, oldest first; none when there is no file. */
export async function readLeases(file: string): Promise<Lease[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return createLeaseParser().push(text);
}

export interface FollowLeasesOptions {
  signal: AbortSignal;
  /** How often the file is looked at. */
  pollMs?: number;
  /** Whether the lines that are there already are reported; what comes into a new file always is. Default: no. */
  past?: boolean;
}

/**
 * Reports each new line of a lease file until aborted. Kea renames the file and begins a new one when it cleans up: the
 * old one is read to its end first. A file that is not there yet is waited for.
 */
export async function followLeases(
  file: string,
  onLease: (lease: Lease) => void,
  { signal, pollMs = 250, past = false }: FollowLeasesOptions,
): Promise<void> {
  let reader = await openReader(file);
  for (const lease of (await reader?.read()) ?? []) if (past) onLease(lease);
  try {
    while (!signal.aborted) {
      await sleep(pollMs, undefined, { signal }).catch(() => undefined);
      const replaced = reader ? await reader.isReplaced() : true;
      for (const lease of (await reader?.read()) ?? []) onLease(lease);
      if (!replaced) continue;
      const next = await openReader(file);
      if (!next) continue; // between the renaming and the new file
      await reader?.close();
      reader = next;
      for (const lease of await reader.read()) onLease(lease);
    }
  } finally {
    await reader?.close();
  }
}

interface LeaseReader {
  /** What came since the last call. */
  read(): Promise<Lease[]>;
  /** Whether the path is another file by now, or this one was cut. */
  isReplaced(): Promise<boolean>;
  close(): Promise<void>;
}

async function openReader(file: string): Promise<LeaseReader | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const parser = createLeaseParser();
  const decoder = new TextDecoder();
  const buffer = Buffer.alloc(64 * 1024);
  const { ino } = await handle.stat();
  let offset = 0;
  return {
    async read() {
      const leases: Lease[] = [];
      for (;;) {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
        if (bytesRead === 0) return leases;
        offset += bytesRead;
        leases.push(...parser.push(decoder.decode(buffer.subarray(0, bytesRead), { stream: true })));
      }
    },
    async isReplaced() {
      const now = await stat(file).catch(() => undefined);
      return now === undefined || now.ino !== ino || now.size < offset;
    },
    close: () => handle.close(),
  };
}
