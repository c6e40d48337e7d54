import { createWriteStream } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProloError } from '../errors.ts';
import { createPlainText } from './console-text.ts';

/** A PC's serial console: read as text, typed into. */
export interface Console {
  /** All that it printed so far. */
  text(): string;
  /**
   * Waits until what came after the last match matches.
   * @throws ProloError `failed` with the last lines when the time is over, or the PC is off
   */
  waitFor(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray>;
  /** As fast as a quick typist: firmware drops keys that come faster. */
  type(text: string): Promise<void>;
  press(...keys: Key[]): Promise<void>;
  /** Every line, as it is complete. */
  onLine(listener: (line: string) => void): void;
}

const KEYS = {
  enter: '\r',
  tab: '\t',
  up: '\u001b[A',
  down: '\u001b[B',
  escape: '\u001b',
  'ctrl-c': '\u0003',
  'ctrl-u': '\u0015',
};
export type Key = keyof typeof KEYS;

/** @param logFile gets the bytes as they came */
export function createConsole(name: string, output: Readable, input: Writable, logFile: string): Console {
  const plain = createPlainText();
  const log = createWriteStream(logFile, { flags: 'a' });
  log.on('error', () => undefined); // a console is read without its log too
  const listeners: ((line: string) => void)[] = [];
  const waiting = new Set<() => void>();
  let text = '';
  let seen = 0;
  let lineStart = 0;
  let ended = false;
  const wake = (): void => [...waiting].forEach((check) => check());

  output.on('data', (chunk: Buffer) => {
    log.write(chunk);
    text += plain.push(chunk.toString('latin1'));
    for (let end; (end = text.indexOf('\n', lineStart)) >= 0; lineStart = end + 1) {
      const line = text.slice(lineStart, end);
      for (const listener of listeners) listener(line);
    }
    wake();
  });
  output.on('close', () => {
    ended = true;
    log.end();
    wake();
  });
  input.on('error', () => undefined); // the PC went off while one typed

  async function send(bytes: string): Promise<void> {
    input.write(bytes);
    await sleep(60);
  }

  return {
    text: () => text,
    onLine: (listener) => void listeners.push(listener),
    waitFor(pattern, timeoutMs) {
      return new Promise((resolve, reject) => {
        const finish = (act: () => void): void => {
          clearTimeout(timer);
          waiting.delete(check);
          act();
        };
        const fail = (why: string): void =>
          finish(() =>
            reject(
              new ProloError(
                'failed',
                `pc ${name}: ${pattern} ${why}; its console said last:\n${lastLines(text)}`,
              ),
            ),
          );
        const check = (): void => {
          const match = pattern.exec(text.slice(seen));
          if (match) {
            seen += match.index + match[0].length;
            finish(() => resolve(match));
          } else if (ended) fail('never came, and the PC is off');
        };
        const timer = setTimeout(() => fail(`did not come in ${timeoutMs / 1000} s`), timeoutMs);
        waiting.add(check);
        check();
      });
    },
    async type(keys) {
      for (const key of keys) await send(key);
    },
    async press(...keys) {
      for (const key of keys) await send(KEYS[key]);
    },
  };
}

function lastLines(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines
    .slice(-15)
    .map((line) => `  | ${line.trimEnd().slice(0, 160)}`)
    .join('\n');
}
