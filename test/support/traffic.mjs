// Traffic between two namespaces: node traffic.mjs ROLE ADDRESS PORT
//   sink     takes and sends as much as goes, to everybody who connects
//   flood    connects to a sink
//   echo     gives back what comes
//   ask      waits for the echo of 32 bytes, again and again, and prints a line for each
import { connect, createServer } from 'node:net';

const [role, address, port] = process.argv.slice(2);
const block = Buffer.alloc(65_536);
const TIMES = 7;

function pour(socket) {
  const more = () => {
    while (socket.write(block));
  };
  socket.on('drain', more).on('error', () => socket.destroy());
  socket.resume();
  more();
}

const serve = (handler) => createServer(handler).listen(Number(port), address, () => console.log('ready'));

if (role === 'sink') serve(pour);
else if (role === 'echo') serve((socket) => socket.on('error', () => undefined).pipe(socket));
else {
  const socket = connect({ host: address, port: Number(port), noDelay: true }, async () => {
    if (role === 'flood') {
      console.log('ready');
      return pour(socket);
    }
    for (let i = 0; i < TIMES; i++) {
      socket.write(Buffer.alloc(32));
      await new Promise((resolve) => socket.once('data', resolve));
      console.log('came');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    socket.end();
  });
}
