import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { checkFolder } from '../../cli/output.ts';
import type { Answer } from '../output/answers.ts';
import { reportAnswers } from '../output/report.ts';

/** All of the answers, as machines wrote them. @returns what was done, in words */
export async function writeAnswers(file: string, answers: readonly Answer[]): Promise<string> {
  checkFolder(file);
  const stream = createWriteStream(file, { mode: 0o600 });
  const done = finished(stream);
  const drained = (): Promise<void> => new Promise((resolve) => void stream.once('drain', () => resolve()));
  const write = reportAnswers(answers, {
    bytes: (bytes) => (stream.write(bytes) ? undefined : Promise.race([drained(), done])),
    title: (text) => void stream.write(`${text}\n`),
  });
  await Promise.race([write, done]);
  stream.end();
  await done;
  return `${file}: ${stream.bytesWritten} bytes`;
}
