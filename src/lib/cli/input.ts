import { readFile } from 'node:fs/promises';
import { ProloError } from '../errors.ts';
import { fileTrouble } from './file-trouble.ts';

/** A file's text, or standard input's for `-`. @throws ProloError `bad-input` for bytes that are no UTF-8, `not-found` */
export async function readInput(file: string): Promise<string> {
  const bytes = await readInputBytes(file);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const line = firstBadLine(bytes);
    throw new ProloError('bad-input', `${file}: line ${line}: not UTF-8`, {
      hint: 'convert it first, such as with iconv -f latin1 -t utf8',
      cause: error,
    });
  }
}

/**
 * A file as it is, or standard input for `-`.
 * @param name how errors call the file
 * @throws ProloError `not-found` and the like
 */
export async function readInputBytes(file: string, name = file): Promise<Buffer> {
  return file === '-' ? readStdin() : readNamed(file, name);
}

function firstBadLine(bytes: Buffer): number {
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const end = bytes.indexOf(10, start);
    const part = bytes.subarray(start, end < 0 ? bytes.length : end);
    if (Buffer.compare(Buffer.from(part.toString('utf8')), part) !== 0) return line;
    if (end < 0) break;
    start = end + 1;
  }
  return line;
}

async function readNamed(file: string, name: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw fileTrouble(Object.assign(error as Error, { path: name })) ?? error;
  }
}

async function readStdin(): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
