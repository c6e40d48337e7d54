import { readFileSync } from 'node:fs';
import { writeFileAtomic } from '../write-file.ts';
import type { Remembered, Session } from './seat.ts';

/** Writes down what the next process of this daemon goes on with. */
export async function writeSession(file: string, session: Session | undefined): Promise<void> {
  await writeFileAtomic(file, session ? render(session) : 'null', 0o600);
}

/** What was written down last; a file that is not there, or cannot be read, says nothing. */
export function readSession(file: string): Remembered | undefined {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as Remembered | null) ?? undefined;
  } catch {
    return undefined;
  }
}

function render({ login, hostname, holders }: Session): string {
  return JSON.stringify({ login, hostname, holders: [...holders] } satisfies Remembered);
}
