import { expect } from 'chai';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BLOCK, missingCounters } from '../support/counter-block.ts';
import { type Counters, startCounters } from '../support/counter-clients.ts';
import { connectNbd, type NbdClient } from '../support/nbd-client.ts';
import { needs } from '../support/needs.ts';
import { rejection } from '../support/rejection.ts';

describe('The NBD client of tests, against qemu-nbd', () => {
  const dir = mkdtempSync(join(tmpdir(), 'prolo-nbd-'));
  const image = join(dir, 'a.img');
  const path = join(dir, 's');
  const address = { path, export: 'home' };
  let server: ChildProcess;
  let counters: Counters;

  before(async function () {
    needs(this, { 'qemu-nbd': 'qemu-utils' });
    writeFileSync(image, '');
    truncateSync(image, 8 << 20);
    server = spawn('qemu-nbd', [
      '-f',
      'raw',
      '-x',
      'home',
      '-e',
      '4',
      '--discard=unmap',
      '-t',
      '-k',
      path,
      image,
    ]);
    counters = await startCounters();
    for (let i = 0; i < 500 && !existsSync(path); i++) await sleep(10);
  });
  after(async () => {
    server?.kill('SIGKILL');
    await counters?.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it('writes, reads what it wrote with many requests under way, flushes and trims', async () => {
    const client = await connectNbd(address);
    expect(client).to.include({ size: 8 << 20, readOnly: false });
    const blocks = Array.from({ length: 200 }, (_, i) => Buffer.alloc(BLOCK, i + 1));
    await Promise.all(blocks.map((block, i) => client.write(i * BLOCK, block, { fua: i % 7 === 0 })));
    await client.flush();
    const read = await Promise.all(blocks.map((_, i) => client.read(i * BLOCK, BLOCK)));
    expect(Buffer.concat(read).equals(Buffer.concat(blocks))).to.equal(true);
    expect((await client.read(0, 200 * BLOCK)).equals(Buffer.concat(blocks))).to.equal(true);
    await client.trim(0, BLOCK);
    expect((await client.read(0, BLOCK)).equals(Buffer.alloc(BLOCK))).to.equal(true);
    await client.close();
    expect(
      readFileSync(image)
        .subarray(BLOCK, 200 * BLOCK)
        .equals(Buffer.concat(blocks.slice(1))),
    ).to.equal(true);
  });

  it('an error is an error: no such export, beyond the end, a server that went away, nobody there', async () => {
    expect((await rejection(connectNbd({ path, export: 'other' }))).message).to.match(
      /export other: refused/,
    );
    const client: NbdClient = await connectNbd(address);
    const beyond = client.read((8 << 20) - 512, BLOCK);
    const good = client.read(0, BLOCK);
    expect((await rejection(beyond)).message).to.match(/server's error (22|28)/);
    expect((await good).length).to.equal(BLOCK);
    client.destroy();
    await client.ended;
    await rejection(client.read(0, BLOCK));
    await rejection(connectNbd({ path: join(dir, 'none'), export: 'home' }));
  });

  it('a counting client reports what was acknowledged, and a lost block is found', async () => {
    const region = { offset: BLOCK, blocks: 50 };
    const counter = counters.start(address, region, 7);
    await counter.until(120);
    await counter.stop();
    expect(counter.error).to.equal(undefined);
    expect(counter.largestGapMs()).to.be.above(0);
    const bytes = readFileSync(image);
    const read = (offset: number, length: number): Buffer => bytes.subarray(offset, offset + length);
    expect(await missingCounters(read, region, [7, counter.last])).to.deep.equal([]);
    const lost = counter.last - 3;
    bytes[BLOCK + (lost % 50) * BLOCK + 4000]! ^= 1;
    expect(await missingCounters(read, region, [7, counter.last])).to.deep.equal([lost]);
    expect(await missingCounters(read, region, [7, counter.last + 1])).to.deep.equal([
      lost,
      counter.last + 1,
    ]);
  });

  it('a counting client whose server dies says so', async () => {
    const counter = counters.start(address, { offset: 0, blocks: 50 });
    await counter.until(20);
    server.kill('SIGKILL');
    await counter.ended;
    expect(counter.error).to.match(/connection/);
  });
});
