import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runOk } from '../exec.ts';
import { TARGET } from './judge.ts';
import type { Ids } from './options.ts';
import { DONE_FILE } from './plan.ts';

type Note = { ids: Ids } | { done: string };

/** What earlier runs have done, as they wrote it down. */
export interface Notes {
  ids: Ids;
  done: string[];
}

/** On the disk when it resolves: what it speaks of is too. */
export async function note(what: Note): Promise<void> {
  await runOk(['sync', '--file-system', TARGET], { timeoutMs: 600_000 });
  const file = await open(join(TARGET, DONE_FILE), 'a', 0o600);
  try {
    await file.appendFile(`${JSON.stringify(what)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

export async function readNotes(): Promise<Notes | undefined> {
  return parseNotes(await readFile(join(TARGET, DONE_FILE), 'utf8').catch(() => ''));
}

/** Up to the first line that is none, as a power cut may leave it. Undefined: nothing that can be gone on with. */
export function parseNotes(text: string): Notes | undefined {
  const notes: Note[] = [];
  for (const line of text.split('\n').slice(0, -1))
    try {
      notes.push(JSON.parse(line) as Note);
    } catch {
      break;
    }
  const ids = notes.flatMap((one) => ('ids' in one ? [one.ids] : []))[0];
  return ids && { ids, done: notes.flatMap((one) => ('done' in one ? [one.done] : [])) };
}
