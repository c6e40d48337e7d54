import { connect, type Socket } from 'node:net';

/** Where an export is: a TCP port or a unix socket, and its name. */
export type NbdAddress = { export: string } & ({ host: string; port: number } | { path: string });

/** A block device in user space. Offsets and lengths are bytes; any number of requests may be under way. */
export interface NbdClient {
  readonly size: number;
  readonly readOnly: boolean;
  /** @throws NbdError the server's error number, or the connection's end */
  read(offset: number, length: number): Promise<Buffer>;
  write(offset: number, data: Buffer, options?: { fua?: boolean }): Promise<void>;
  /** Resolves when all that was written before is on the disk. */
  flush(): Promise<void>;
  trim(offset: number, length: number): Promise<void>;
  /** Says goodbye; what is under way is answered first. */
  close(): Promise<void>;
  /** Drops the connection without a word. */
  destroy(): void;
  /** Resolves when the connection is gone, whoever ended it. */
  readonly ended: Promise<void>;
}

export class NbdError extends Error {
  /** The server's errno; none when the connection failed or ended. */
  readonly errno: number | undefined;
  constructor(message: string, errno?: number) {
    super(message);
    this.errno = errno;
  }
}

const NBDMAGIC = 0x4e42444d41474943n;
const IHAVEOPT = 0x49484156454f5054n;
const OPTION_REPLY = 0x0003e889045565a9n;
const REQUEST = 0x25609513;
const SIMPLE_REPLY = 0x67446698;
const OPT_GO = 7;
const REP = { ack: 1, info: 3 };
const INFO_EXPORT = 0;
const FLAG = { readOnly: 2, flush: 4, fua: 8, trim: 32 };
const CMD = { read: 0, write: 1, disconnect: 2, flush: 3, trim: 4 };
const CMD_FUA = 1;

/**
 * Opens an export for reading and writing, by the fixed newstyle handshake (NBD_OPT_GO).
 * @throws NbdError when there is none of that name, when nobody listens, or after `timeoutMs`
 */
export async function connectNbd(address: NbdAddress, timeoutMs = 5_000): Promise<NbdClient> {
  const target = 'path' in address ? { path: address.path } : { host: address.host, port: address.port };
  const socket = connect(target);
  socket.setNoDelay(true);
  const bytes = readBytes(socket);
  const late = setTimeout(() => socket.destroy(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
  try {
    const { size, flags } = await negotiate(socket, bytes, address.export);
    return transmit(socket, bytes, size, flags);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(late);
  }
}

async function negotiate(
  socket: Socket,
  bytes: Bytes,
  name: string,
): Promise<{ size: number; flags: number }> {
  const greeting = await bytes.take(18);
  if (greeting.readBigUInt64BE(0) !== NBDMAGIC || greeting.readBigUInt64BE(8) !== IHAVEOPT)
    throw new NbdError('not an NBD server of the newstyle');
  const nameBytes = Buffer.from(name);
  const option = Buffer.alloc(4 + 16 + 4 + nameBytes.length + 2);
  option.writeUInt32BE(3, 0); // fixed newstyle, no zeroes
  option.writeBigUInt64BE(IHAVEOPT, 4);
  option.writeUInt32BE(OPT_GO, 12);
  option.writeUInt32BE(option.length - 20, 16);
  option.writeUInt32BE(nameBytes.length, 20);
  nameBytes.copy(option, 24);
  socket.write(option);
  let found = { size: 0, flags: 0 };
  for (;;) {
    const head = await bytes.take(20);
    if (head.readBigUInt64BE(0) !== OPTION_REPLY) throw new NbdError('bad reply to an option');
    const type = head.readUInt32BE(12);
    const data = await bytes.take(head.readUInt32BE(16));
    if (type === REP.ack) return found;
    if (type >= 0x80000000)
      throw new NbdError(
        `export ${name}: refused (${(type - 0x80000000).toString()}): ${data.toString('utf8')}`,
      );
    if (type === REP.info && data.readUInt16BE(0) === INFO_EXPORT)
      found = { size: Number(data.readBigUInt64BE(2)), flags: data.readUInt16BE(10) };
  }
}

interface Waiting {
  /** Of the data that a good reply brings. */
  length: number;
  resolve(data: Buffer): void;
  reject(error: Error): void;
}

function transmit(socket: Socket, bytes: Bytes, size: number, flags: number): NbdClient {
  const waiting = new Map<bigint, Waiting>();
  let handle = 0n;
  let gone: NbdError | undefined;

  const ask = (
    type: number,
    offset: number,
    length: number,
    { data, flags: commandFlags = 0, answer = 0 }: { data?: Buffer; flags?: number; answer?: number } = {},
  ): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      if (gone) return reject(gone);
      const head = Buffer.alloc(28);
      head.writeUInt32BE(REQUEST, 0);
      head.writeUInt16BE(commandFlags, 4);
      head.writeUInt16BE(type, 6);
      head.writeBigUInt64BE(++handle, 8);
      head.writeBigUInt64BE(BigInt(offset), 16);
      head.writeUInt32BE(length, 24);
      waiting.set(handle, { length: answer, resolve, reject });
      if (data) {
        socket.cork();
        socket.write(head);
        socket.write(data);
        socket.uncork();
      } else socket.write(head);
    });

  const readReplies = async (): Promise<void> => {
    for (;;) {
      const head = await bytes.take(16);
      const one = waiting.get(head.readBigUInt64BE(8));
      if (head.readUInt32BE(0) !== SIMPLE_REPLY || !one) throw new NbdError('bad reply');
      const errno = head.readUInt32BE(4);
      const data = errno === 0 && one.length > 0 ? await bytes.take(one.length) : Buffer.alloc(0);
      waiting.delete(head.readBigUInt64BE(8));
      if (errno === 0) one.resolve(data);
      else one.reject(new NbdError(`the server's error ${errno}`, errno));
    }
  };
  const ended = readReplies().catch((error: Error) => {
    gone = error instanceof NbdError ? error : new NbdError(error.message);
    socket.destroy();
    for (const one of waiting.values()) one.reject(gone);
    waiting.clear();
  });

  const command = async (type: number, flag: number, offset = 0, length = 0): Promise<void> => {
    if (!(flags & flag)) throw new NbdError(`the server cannot do command ${type}`);
    await ask(type, offset, length);
  };
  return {
    size,
    readOnly: (flags & FLAG.readOnly) !== 0,
    ended,
    read: (offset, length) => ask(CMD.read, offset, length, { answer: length }),
    async write(offset, data, { fua = false } = {}) {
      if (fua && !(flags & FLAG.fua)) throw new NbdError('the server cannot do FUA');
      await ask(CMD.write, offset, data.length, { data, flags: fua ? CMD_FUA : 0 });
    },
    flush: () => command(CMD.flush, FLAG.flush),
    trim: (offset, length) => command(CMD.trim, FLAG.trim, offset, length),
    async close() {
      if (!gone) ask(CMD.disconnect, 0, 0).catch(() => undefined);
      socket.end();
      await ended;
    },
    destroy: () => void socket.destroy(),
  };
}

interface Bytes {
  /** Exactly so many. @throws NbdError when the connection ends before */
  take(length: number): Promise<Buffer>;
}

function readBytes(socket: Socket): Bytes {
  let chunks: Buffer[] = [];
  let have = 0;
  let failure: NbdError | undefined;
  let wanted: { length: number; resolve: (data: Buffer) => void; reject: (error: Error) => void } | undefined;

  const cut = (length: number): Buffer => {
    have -= length;
    const first = chunks[0];
    if (first && first.length > length) {
      chunks[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    const all = chunks.length === 1 ? first! : Buffer.concat(chunks);
    chunks = all.length > length ? [all.subarray(length)] : [];
    return all.subarray(0, length);
  };
  const serve = (): void => {
    if (!wanted) return;
    const { length, resolve, reject } = wanted;
    if (have < length && !failure) return;
    wanted = undefined;
    if (have >= length) resolve(cut(length));
    else reject(failure!);
  };
  const fail = (text: string): void => {
    failure ??= new NbdError(text);
    serve();
  };
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    have += chunk.length;
    serve();
  });
  socket.on('error', (error) => fail(`connection: ${error.message}`));
  socket.on('close', () => fail('the server ended the connection'));
  return {
    take: (length) =>
      length === 0
        ? Promise.resolve(Buffer.alloc(0))
        : new Promise((resolve, reject) => {
            wanted = { length, resolve, reject };
            serve();
          }),
  };
}
