import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import { printable } from '../cli/table.ts';
import { ConnectionEnded } from './ended.ts';

/** What may come before an SSH server says that it is one. */
const MAX_GREETING_BYTES = 64 * 1024;

/**
 * Waits until an SSH server has said its identification. All of it is then still to be read from the socket, in one piece: ssh2
 * loses bytes of it where it comes in more than two.
 * @param onWaiting what it waits for, in words, should time run out
 * @throws ConnectionEnded when something else is there. The caller sees to a socket that closes, and to time.
 */
export async function awaitIdentification(socket: Socket, onWaiting: (words: string) => void): Promise<void> {
  let heard = Buffer.alloc(0);
  onWaiting('it takes connections, and says nothing');
  await new Promise<void>((resolve, reject) => {
    const done = (error?: ConnectionEnded): void => {
      socket.off('readable', read).off('end', end);
      if (error) return reject(error);
      socket.unshift(heard);
      resolve();
    };
    const end = (): void => done(new ConnectionEnded('unreachable', `it hung up${quoted(heard)}`));
    const read = (): void => {
      for (let chunk: Buffer | null; (chunk = socket.read() as Buffer | null) !== null;)
        heard = Buffer.concat([heard, chunk]);
      if (heard.length === 0) return;
      const start = startOfIdentification(heard);
      if (start !== undefined && heard.includes(10, start)) done();
      else if (heard.length > MAX_GREETING_BYTES)
        done(new ConnectionEnded('unreachable', `it speaks no SSH${quoted(heard)}`));
      else onWaiting(`it does not say that it is an SSH server${quoted(heard)}`);
    };
    socket.on('readable', read).once('end', end);
  });
}

/** Where the line begins; what is not its line may come before it. */
function startOfIdentification(bytes: Buffer): number | undefined {
  if (bytes.subarray(0, 4).toString('latin1') === 'SSH-') return 0;
  const at = bytes.indexOf('\nSSH-');
  return at < 0 ? undefined : at + 1;
}

/** The first line that came, as much of it as fits in a line of ours. */
function quoted(bytes: Buffer): string {
  const [line = ''] = bytes.subarray(0, 200).toString('latin1').trim().split(/\r?\n/);
  return line ? `: “${printable(line.slice(0, 60))}”` : '';
}

/** Calls it once when the signal is aborted, or at once when it has been. @returns what ends that */
export function onAbort(signal: AbortSignal | undefined, then: () => void): () => void {
  if (!signal) return () => undefined;
  if (signal.aborted) then();
  setMaxListeners(0, signal); // each machine listens to the same one
  signal.addEventListener('abort', then, { once: true });
  return () => signal.removeEventListener('abort', then);
}
