import { createServer } from 'node:net';
import { ProloError } from '../errors.ts';

/**
 * Takes a server's own port before it looks for what runs: another one of the same number, started by mistake, would take
 * what this one runs for its own.
 * @returns what gives the port free, for the server itself
 * @throws ProloError `conflict` when somebody listens there
 */
export function holdPort(what: string, host: string, port: number): Promise<() => Promise<void>> {
  return new Promise((resolve, reject) => {
    const holder = createServer((socket) => socket.destroy());
    holder.once('error', (cause) =>
      reject(
        new ProloError('conflict', `${what}: cannot listen on ${host} port ${port}: ${cause.message}`, {
          hint: 'does it run already? nothing that runs was touched',
          cause,
        }),
      ),
    );
    holder.listen(port, host, () =>
      resolve(() => new Promise((closed) => void holder.close(() => closed()))),
    );
  });
}
