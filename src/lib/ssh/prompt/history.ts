import { appendFile, chmod, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFileAtomic } from '../../write-file.ts';
import { isKept } from './recall.ts';

/** So many lines are loaded; the file has up to twice as many. */
const MAX_LINES = 2000;
const MAX_LINE_CHARACTERS = 4096;

/** The lines of earlier prompts, oldest first. A file that has grown too long is shortened. */
export async function loadHistory(file: string, maxLines = MAX_LINES): Promise<string[]> {
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!handle) return [];
  try {
    const lines = linesOf(await handle.readFile('utf8'));
    const kept = lines.slice(-maxLines);
    if (lines.length > 2 * maxLines) {
      await writeFileAtomic(file, joinLines(kept), 0o600);
      // What another prompt wrote to the old file meanwhile.
      const late = linesOf(await handle.readFile('utf8'));
      if (late.length > 0) await append(file, late);
      kept.push(...late);
    }
    return kept;
  } finally {
    await handle.close();
  }
}

/** Several prompts at once write behind each other: a line is one write to the end of the file. */
export async function keepInHistory(file: string, line: string): Promise<void> {
  if (isKept(line) && line.length <= MAX_LINE_CHARACTERS) await append(file, [line]);
}

async function append(file: string, lines: readonly string[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await appendFile(file, joinLines(lines), { mode: 0o600 });
  await chmod(file, 0o600);
}

/** A file that something else wrote to can hold anything: it must not end up on a terminal. */
function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/[\u0000-\u001f\u007f-\u009f]/g, ''))
    .filter(Boolean);
}

function joinLines(lines: readonly string[]): string {
  return lines.map((line) => `${line.replace(/[\r\n]+/g, ' ')}\n`).join('');
}
