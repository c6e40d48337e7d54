import { watchDisk } from '../../disk-floor.ts';
import type { Sink } from '../protocol.ts';
import { spoolDir } from './spool.ts';

/** Keeps nothing, and throws ProloError `full` before what the others keep has filled the disk of that folder. */
export async function diskSink(dir: string, hint?: string): Promise<Sink> {
  const took = await watchDisk(dir, hint).catch(() => () => undefined); // what is wrong there, the others say
  return { write: (_hostname, _stream, { length }) => took(length), end: () => undefined };
}

/** For what is gathered. */
export function spoolDiskSink(): Promise<Sink> {
  return diskSink(spoolDir(), 'name a folder on a larger disk with TMPDIR');
}
