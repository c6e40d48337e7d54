import { createSocket } from 'node:dgram';

/** A time server on port 123, or that of the second argument, whose clock is so many milliseconds ahead: run it in a namespace. */
const EPOCH = 2_208_988_800;
const [ahead = '0', port = '123'] = process.argv.slice(2);

function write(packet: Buffer, at: number): void {
  const nowMs = Date.now() + Number(ahead);
  packet.writeUInt32BE(Math.floor(nowMs / 1000) + EPOCH, at);
  packet.writeUInt32BE(Math.floor(((nowMs % 1000) / 1000) * 2 ** 32), at + 4);
}

const socket = createSocket('udp4');
socket.on('message', (query, from) => {
  const packet = Buffer.alloc(48);
  packet.set([0x24, 2]); // version 4, server; stratum 2
  query.copy(packet, 24, 40, 48);
  write(packet, 32);
  write(packet, 40);
  socket.send(packet, from.port, from.address);
});
socket.bind(Number(port), () => console.log('ready'));
