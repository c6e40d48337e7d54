import { createInterface } from 'node:readline';
import { printable } from '../../cli/table.ts';
import { writerTo } from '../output/writer.ts';
import { exitStatusOf } from '../protocol.ts';
import type { Front, Session } from './session.ts';

/**
 * The prompt without a terminal: commands are lines of standard input, answers go to standard output, whatever else is to
 * be said is noted.
 * @returns the highest exit status of all commands
 */
export async function runPlain(
  begin: (front: Front) => Session,
  input: NodeJS.ReadableStream,
  output: NodeJS.WriteStream,
  note: (text: string) => void,
): Promise<number> {
  const writer = writerTo(output);
  const session = begin({
    tell(event) {
      if (event.event === 'said') for (const { text } of event.entries) note(printable(text));
    },
    ask: () => Promise.resolve(true),
    show: (report) => report(writer),
  });
  const stop = new AbortController();
  let isRunning = false;
  const onSignal = (): void => (isRunning ? session.interrupt() : stop.abort());
  const stopped = new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
  process.on('SIGINT', onSignal);
  let worst = 0;
  try {
    await Promise.race([session.settled(), stopped]);
    for await (const line of createInterface({ input, signal: stop.signal, crlfDelay: Infinity })) {
      isRunning = true;
      if (line.trim()) note(`> ${printable(line)}`);
      const { isLast, outcomes } = await session.submit(line);
      isRunning = false;
      worst = Math.max(worst, ...(outcomes ?? []).map(exitStatusOf));
      if (isLast) break;
    }
  } finally {
    process.off('SIGINT', onSignal);
    await session.close();
  }
  return worst;
}
