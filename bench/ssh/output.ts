import { createHash, type Hash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { atMost, type Bench } from '../figure.ts';
import type { Took } from '../support/measured.ts';
import { interleave, MACHINES, medianOf, PEERS, type SshBench, startSshBench } from '../support/ssh.ts';

const RUNS = 2;
const BYTES = 10_000_000;
/** Short lines would cost clush, which takes them one by one, several times as long. */
const LINE_BYTES = 1000;
const NEWLINE = 10;

/** 10 MB from each of all, which somebody reads. */
const bench: Bench = async (report) => {
  const ssh = await startSshBench();
  try {
    const text = makeText();
    const file = join(ssh.sshd.dir, 'text');
    writeFileSync(file, text);
    const command = `cat ${file}`;
    const out = join(ssh.sshd.dir, 'out');
    const whole = createHash('sha256').update(text).digest('hex');
    const prolo = (...flags: string[]): string[] =>
      ssh.prolo('pssh', '--yes', '@all', ...flags, '--', command);
    const peer = PEERS.clush!(command, ssh.configs.alike, ssh.test.site.config.ssh.fanout).argv;
    const prefixed = ssh.hostnames.reduce((sum, { length }) => sum + length + 2, 0) * (BYTES / LINE_BYTES);
    const took = await interleave(
      {
        prefixed: () => readAll(ssh, prolo(), BYTES * MACHINES + prefixed),
        clush: () => readAll(ssh, peer),
        gathered: () => readAll(ssh, prolo('--gather')),
        async files() {
          const one = await ssh.run(prolo('--out', out));
          for (const name of ssh.hostnames) {
            const hash = createHash('sha256')
              .update(readFileSync(join(out, `${name}.out`)))
              .digest('hex');
            if (hash !== whole) throw new Error(`${name}.out: not what the machine sent`);
          }
          rmSync(out, { recursive: true });
          return one;
        },
      },
      RUNS,
      0,
    );
    await checkEachMachine(ssh, prolo(), whole);
    const sides = ['prefixed', 'files', 'gathered'] as const;
    for (const side of [...sides, 'clush'] as const)
      report(
        `${side}: ${medianOf(took[side], 'wallS').toFixed(1)} s, ${medianOf(took[side], 'rssMib').toFixed(0)} MiB`,
      );
    const clushS = medianOf(took.clush, 'wallS');
    return sides.flatMap((side) => {
      const [wallS, rssMib] = [
        medianOf(took[side], 'wallS'),
        Math.max(...took[side].map((one) => one.rssMib)),
      ];
      const against = `${wallS.toFixed(1)} s; clush, prefixed: ${clushS.toFixed(1)} s`;
      return [
        atMost(`ssh-10mb-wall-${side}`, wallS / clushS, 1.2, against, RUNS),
        atMost(`ssh-10mb-memory-${side}-mib`, rssMib, 300, 'MiB, the largest run; each byte was there', RUNS),
      ];
    });
  } finally {
    await ssh.close();
  }
};
export default bench;

/** Each line of it is another one. */
function makeText(): Buffer {
  const lines = Array.from(
    { length: BYTES / LINE_BYTES },
    (_, i) => `${String(i).padEnd(LINE_BYTES - 1, ' prolo')}\n`,
  );
  return Buffer.from(lines.join(''));
}

async function readAll(ssh: SshBench, argv: readonly string[], expected?: number): Promise<Took> {
  let bytes = 0;
  const took = await ssh.run(argv, { onOutput: (part) => (bytes += part.length) });
  if (expected !== undefined && bytes !== expected) throw new Error(`${bytes} bytes came of ${expected}`);
  return took;
}

/** Takes the lines apart again, outside of what is measured. */
async function checkEachMachine(ssh: SshBench, argv: readonly string[], whole: string): Promise<void> {
  const hashes = new Map<string, Hash>(ssh.hostnames.map((name) => [name, createHash('sha256')]));
  let rest: Buffer = Buffer.alloc(0);
  await ssh.run(argv, {
    onOutput(part) {
      const all = Buffer.concat([rest, part]);
      let start = 0;
      for (let end: number; (end = all.indexOf(NEWLINE, start)) >= 0; start = end + 1) {
        const colon = all.indexOf(58, start);
        hashes.get(all.toString('latin1', start, colon))!.update(all.subarray(colon + 2, end + 1));
      }
      rest = all.subarray(start);
    },
  });
  for (const [name, hash] of hashes)
    if (hash.digest('hex') !== whole) throw new Error(`${name}: its lines are not what it sent`);
}
