import { join } from 'node:path';
import { readFileIfThere, writeFileAtomic } from '../../write-file.ts';

/** What was stored last of a home. Where marks are lost, each home is stored once more, which costs time and no space. */
export interface Mark {
  epoch: number;
  /** When the image was written last, in nanoseconds. */
  writtenNs: string;
  /** The repository that has it. */
  repository: string;
}
export type Marks = Record<string, Mark>;

const fileOf = (dir: string): string => join(dir, 'marks.json');

export async function readMarks(dir: string): Promise<Marks> {
  try {
    return JSON.parse((await readFileIfThere(fileOf(dir))) ?? '{}') as Marks;
  } catch {
    return {};
  }
}

export async function writeMark(dir: string, login: string, mark: Mark): Promise<void> {
  await writeFileAtomic(fileOf(dir), JSON.stringify({ ...(await readMarks(dir)), [login]: mark }), 0o600);
}

export function isStored(mark: Mark | undefined, now: Mark): boolean {
  return mark?.epoch === now.epoch && mark.writtenNs === now.writtenNs && mark.repository === now.repository;
}
