import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Something that is no sshd. */
export interface FaultyHost {
  ip: string;
  stop(): Promise<void>;
}

/** Whoever connects is given to `greet`. */
export async function startHost(
  ip: string,
  port: number,
  greet: (socket: Socket) => void,
): Promise<FaultyHost> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    greet(socket);
  });
  server.listen(port, ip);
  await once(server, 'listening');
  return {
    ip,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A port that drops: whoever listens there is stopped, and its queue is full. */
export async function startDroppingHost(ip: string, port: number): Promise<FaultyHost> {
  const code = `require('net').createServer().listen({ host: '${ip}', port: ${port}, backlog: 1 }, () => console.log('on'))`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGSTOP');
  const fillers: Socket[] = [];
  for (let isFull = false; !isFull;) {
    const filler = connect(port, ip).on('error', () => undefined);
    fillers.push(filler);
    isFull = await Promise.race([
      once(filler, 'connect').then(() => false),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 300)),
    ]);
    if (fillers.length > 50) throw new Error('the queue takes any number');
  }
  return {
    ip,
    async stop() {
      for (const filler of fillers) filler.destroy();
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
