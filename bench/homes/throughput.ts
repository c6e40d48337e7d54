import { runOk } from '../../src/lib/exec.ts';
import { makeHomesSite, userName } from '../../test/support/homes.ts';
import { connectNbd, type NbdAddress } from '../../test/support/nbd-client.ts';
import { atLeast, type Bench, type Figure, median } from '../figure.ts';
import { GIB, MIB, settleDisk, startQemuNbd } from '../support/homes.ts';

const RUNS = 7;
const SECONDS = 2;
/** What is read and written; it fits in memory, as a home does. */
const AREA_BYTES = 512 * MIB;

/** Random and sequential I/O through a home's export, against qemu-nbd with the same cache mode, by fio's nbd engine. */
const KINDS = {
  'random-read-4k': ['--rw=randread', '--bs=4k', '--iodepth=16'],
  'random-write-4k': ['--rw=randwrite', '--bs=4k', '--iodepth=16'],
  'sequential-read': ['--rw=read', '--bs=256k', '--iodepth=8'],
  'sequential-write': ['--rw=write', '--bs=256k', '--iodepth=8'],
};

const bench: Bench = async (report) => {
  const homes = await makeHomesSite({ users: 1, seats: 1, sizeBytes: 2 * GIB });
  const login = userName(1);
  let stop = (): Promise<void> => Promise.resolve();
  try {
    const address = await homes.enter(login, 0, 1);
    await fillArea(address);
    // The very same file: how it lies on the disk makes a difference of two.
    const peer = await startQemuNbd(homes.image(0, login, 1), true);
    stop = peer.stop;
    const figures: Figure[] = [];
    for (const [kind, options] of Object.entries(KINDS)) {
      const [ours, theirs]: [number[], number[]] = [[], []];
      const sides = [
        async () => void ours.push(await bytesPerSecond(address, options)),
        async () => void theirs.push(await bytesPerSecond(peer.address, options)),
      ];
      await settleDisk();
      for (let run = 0; run < RUNS; run++) {
        for (const side of run % 2 ? sides : [...sides].reverse()) {
          await side();
          if (kind.endsWith('write')) await settleDisk();
        }
      }
      const show = (value: number): string =>
        kind.endsWith('4k') ? `${(value / 4096).toFixed(0)} a second` : `${(value / MIB).toFixed(0)} MiB/s`;
      const against = `${show(median(ours))}, qemu-nbd ${show(median(theirs))}`;
      report(`${kind}: ${against}`);
      figures.push(atLeast(`home-${kind}`, median(ours) / median(theirs), 0.95, against, RUNS));
    }
    return figures;
  } finally {
    await stop();
    await homes.close();
  }
};
export default bench;

/** A read of what was never written would not read. */
async function fillArea(address: NbdAddress): Promise<void> {
  const client = await connectNbd(address);
  const part = Buffer.alloc(4 * MIB, 'home ');
  for (let offset = GIB; offset < GIB + AREA_BYTES; offset += part.length) await client.write(offset, part);
  await client.flush();
  await client.close();
}

async function bytesPerSecond(address: NbdAddress, options: readonly string[]): Promise<number> {
  if (!('port' in address)) throw new Error('fio is given a TCP address');
  const { stdout } = await runOk([
    'fio',
    ...['--name=home', '--ioengine=nbd', `--uri=nbd://${address.host}:${address.port}/${address.export}`],
    ...[`--offset=${GIB}`, `--size=${AREA_BYTES}`, '--time_based', `--runtime=${SECONDS}`],
    ...['--output-format=json', '--randseed=1', ...options],
  ]);
  const { jobs } = JSON.parse(stdout.slice(stdout.indexOf('{'))) as {
    jobs: { read: { bw_bytes: number }; write: { bw_bytes: number } }[];
  };
  const { read, write } = jobs[0]!;
  return Math.max(read.bw_bytes, write.bw_bytes);
}
