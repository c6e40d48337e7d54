import type { Client } from 'ssh2';

type GlobalRequest = (protocol: unknown, name: string, ...rest: unknown[]) => void;

/**
 * OpenSSH's server offers its host keys once somebody is in, and ssh2 has it prove them all: a signature there and its check here, on
 * each connection, for keys that nobody asked for. To be called before the login, once the handshake is done.
 */
export function askNoProofs(client: Client): void {
  const { _protocol: protocol } = client as unknown as {
    _protocol?: { _handlers: { GLOBAL_REQUEST: GlobalRequest } };
  };
  if (!protocol) return;
  const handlers = protocol._handlers;
  const handle = handlers.GLOBAL_REQUEST;
  handlers.GLOBAL_REQUEST = (from, name, ...rest) => {
    if (name !== 'hostkeys-00@openssh.com') handle(from, name, ...rest);
  };
}
