import { visible } from './visible.ts';

/** One of our own two streams, for what machines said and what we say of it. */
export interface Writer {
  /** Resolves when more can be taken. What goes to a terminal cannot move its cursor; a pipe gets the bytes as they are. */
  bytes(bytes: Buffer): void | Promise<void>;
  /** A line of our own, bold on a terminal. */
  title(text: string): void;
}

export function writerTo(stream: NodeJS.WriteStream): Writer {
  let drained: Promise<void> | undefined;
  const drain = (): Promise<void> =>
    (drained ??= new Promise((resolve) =>
      stream.once('drain', () => {
        drained = undefined;
        resolve();
      }),
    ));
  return {
    bytes: (bytes) => (stream.write(stream.isTTY ? visible(bytes) : bytes) ? undefined : drain()),
    title: (text) => void stream.write(stream.isTTY ? `\u001b[1m${text}\u001b[22m\n` : `${text}\n`),
  };
}
