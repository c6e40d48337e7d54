/** A process of its own in a network of its own, where some machines drop what they are sent; says what it measured in JSON. */
import { runOk } from '../../src/lib/exec.ts';
import { MACHINES, startSshBench } from './ssh.ts';

const GONE = 15;
const RUNS = 5;
const CONNECT_S = 5;

export interface UnreachableRuns {
  gone: number;
  out: number;
  /** Seconds until the answers of all others were there. */
  withThem: number[];
  without: number[];
}

await runOk(['ip', 'link', 'set', 'lo', 'up'], { timeoutMs: 5000 });
const ssh = await startSshBench();
try {
  // Spread over the room, so that they come between the others.
  const isGone = (i: number): boolean => i % (MACHINES / GONE) === 3;
  const gone = ssh.hostnames.filter((_, i) => isGone(i));
  const addresses = ssh.hostnames.flatMap((_, i) => (isGone(i) ? [ssh.sshd.ip(i + 1)] : []));
  const drop = `ip daddr { ${addresses.join(', ')} } tcp dport ${ssh.sshd.port} drop`;
  const rules = `table ip bench { chain input { type filter hook input priority 0; ${drop}; }; }`;
  await runOk(['nft', '-f', '-'], { input: `${rules}\n`, timeoutMs: 5000 });
  const runs: UnreachableRuns = { gone: gone.length, out: MACHINES - gone.length, withThem: [], without: [] };
  const answersS = async (flags: readonly string[], status: number): Promise<number> => {
    const limit = `--connect-timeout=${CONNECT_S}`;
    const argv = ssh.prolo('pssh', '--yes', limit, '@all', ...flags, '--', 'echo up');
    const startMs = performance.now();
    let [lines, lastMs] = [0, 0];
    await ssh.run(argv, {
      status,
      onOutput(part) {
        lastMs = performance.now();
        lines += part.toString('latin1').split('\n').length - 1;
      },
    });
    if (lines !== runs.out) throw new Error(`${lines} answers of ${runs.out}`);
    return (lastMs - startMs) / 1000;
  };
  for (let run = -1; run < RUNS; run++) {
    const without = await answersS(['-x', gone.join(',')], 0);
    const withThem = await answersS([], 255);
    if (run < 0) continue;
    runs.without.push(without);
    runs.withThem.push(withThem);
  }
  process.stdout.write(JSON.stringify(runs));
} finally {
  await ssh.close();
}
