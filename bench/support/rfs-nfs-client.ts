import { connect, type Socket } from 'node:net';

/**
 * The least of an NFS client that reads: protocol 4.0, files looked up from the pseudo root, READ with the anonymous state, so no
 * OPEN. As the kernel's does it has some READs under way at a time. What comes is counted and not kept.
 */
export interface NfsReader {
  lookup(path: string): Promise<Buffer>;
  /** @param window READs under way at a time. @returns bytes that came */
  readAll(
    handle: Buffer,
    places: readonly { offset: number; length: number }[],
    window: number,
  ): Promise<number>;
  close(): void;
}

const OP = { GETFH: 10, LOOKUP: 15, PUTFH: 22, PUTROOTFH: 24, READ: 25 };
/** Of an answer, enough to know whether it is a good one, and how much data it has. */
const HEAD_BYTES = 512;

export async function openNfs(host: string, localAddress: string): Promise<NfsReader> {
  const socket = connect({ host, port: 2049, localAddress, noDelay: true });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  const waiting = new Map<number, { resolve(head: Buffer): void; reject(error: Error): void }>();
  const fail = (error: Error): void => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  socket.on('error', fail).on('close', () => fail(new Error(`NFS server ${host} hung up`)));
  onRecords(socket, (head) => {
    const xid = head.readUInt32BE(0);
    waiting.get(xid)?.resolve(head);
    waiting.delete(xid);
  });
  let xid = 0;
  const ask = async (...operations: Buffer[]): Promise<Reply> => {
    const id = ++xid;
    const answer = new Promise<Buffer>((resolve, reject) => waiting.set(id, { resolve, reject }));
    socket.write(call(id, operations));
    return openReply(await answer);
  };
  return {
    async lookup(path) {
      const steps = path.split('/').filter(Boolean);
      const reply = await ask(
        word(OP.PUTROOTFH),
        ...steps.map((step) => Buffer.concat([word(OP.LOOKUP), opaque(Buffer.from(step))])),
        word(OP.GETFH),
      );
      for (let i = 0; i <= steps.length; i++) reply.result();
      reply.result();
      return reply.opaque();
    },
    async readAll(handle, places, window) {
      const put = Buffer.concat([word(OP.PUTFH), opaque(handle)]);
      let [next, bytes] = [0, 0];
      const reader = async (): Promise<void> => {
        for (let i; (i = next++) < places.length;) {
          const { offset, length } = places[i]!;
          const read = Buffer.alloc(32);
          read.writeUInt32BE(OP.READ, 0); // then 16 bytes of 0: the anonymous state
          read.writeBigUInt64BE(BigInt(offset), 20);
          read.writeUInt32BE(length, 28);
          const reply = await ask(put, read);
          reply.result();
          reply.result();
          reply.number(); // whether it is the end of the file
          bytes += reply.number();
        }
      };
      await Promise.all(Array.from({ length: window }, reader));
      return bytes;
    },
    close: () => socket.destroy(),
  };
}

function word(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value);
  return out;
}

function opaque(data: Buffer): Buffer {
  return Buffer.concat([word(data.length), data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
}

const AUTH_SYS = opaque(Buffer.concat([word(0), opaque(Buffer.from('bench')), word(0), word(0), word(0)]));

/** One RPC with a COMPOUND, and the record's mark before it. */
function call(id: number, operations: readonly Buffer[]): Buffer {
  const [CALL, RPC, NFS, VERSION, COMPOUND] = [0, 2, 100003, 4, 1];
  const header = [id, CALL, RPC, NFS, VERSION, COMPOUND, 1].map(word);
  const [tag, minor] = [word(0), word(0)];
  const body = Buffer.concat([
    ...header,
    AUTH_SYS,
    ...[word(0), word(0), tag, minor, word(operations.length)],
    ...operations,
  ]);
  return Buffer.concat([word((0x80000000 | body.length) >>> 0), body]);
}

interface Reply {
  number(): number;
  opaque(): Buffer;
  /** The next operation's. @throws Error unless it is a good one */
  result(): void;
}

function openReply(head: Buffer): Reply {
  let at = 4;
  const number = (): number => head.readUInt32BE((at += 4) - 4);
  const data = (): Buffer => {
    const length = number();
    const found = head.subarray(at, at + length);
    at += length + ((4 - (length % 4)) % 4);
    return found;
  };
  const [, denied] = [number(), number()];
  number(); // the verifier: its kind, its bytes
  data();
  const accepted = number();
  if (denied !== 0 || accepted !== 0) throw new Error(`NFS: the call was refused: ${denied} ${accepted}`);
  const status = number();
  if (status !== 0) throw new Error(`NFS: status ${status}`);
  data(); // the tag
  number(); // how many operations
  return {
    number,
    opaque: data,
    result() {
      const operation = number();
      const failed = number();
      if (failed !== 0) throw new Error(`NFS: operation ${operation}: status ${failed}`);
    },
  };
}

/** Calls for each record with its first bytes, as soon as the last one is there. */
function onRecords(socket: Socket, listener: (head: Buffer) => void): void {
  let mark = Buffer.alloc(0);
  let left = 0;
  let head: Buffer[] = [];
  let have = 0;
  socket.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length;) {
      if (left === 0) {
        const part = chunk.subarray(at, at + 4 - mark.length);
        mark = Buffer.concat([mark, part]);
        at += part.length;
        if (mark.length < 4) return;
        left = mark.readUInt32BE(0) & 0x7fffffff;
        mark = Buffer.alloc(0);
        continue;
      }
      const part = chunk.subarray(at, at + left);
      if (have < HEAD_BYTES) {
        head.push(part.subarray(0, HEAD_BYTES - have));
        have += head.at(-1)!.length;
      }
      at += part.length;
      left -= part.length;
      if (left > 0) continue;
      listener(Buffer.concat(head));
      [head, have] = [[], 0];
    }
  });
}
