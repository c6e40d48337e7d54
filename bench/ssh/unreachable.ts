import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { atMost, type Bench, median } from '../figure.ts';
import type { UnreachableRuns } from '../support/ssh-unreachable.ts';

/** One in ten drops what it is sent: how much later the others' answers are there. */
const bench: Bench = async (report) => {
  const script = join(import.meta.dirname, '../support/ssh-unreachable.ts');
  // A network of its own, so that its firewall is nobody else's.
  const child = spawn('unshare', ['--net', '--', process.execPath, '--import=tsx', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let told = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (told += part));
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) throw new Error(`ssh-unreachable.ts: status ${status}`);
  const { gone, out, withThem, without } = JSON.parse(told) as UnreachableRuns;
  const [withS, withoutS] = [median(withThem), median(without)];
  const against = `${withS.toFixed(2)} s until ${out} answers were there; without the ${gone} that drop: ${withoutS.toFixed(2)} s`;
  report(against);
  return [atMost('ssh-unreachable', withS / withoutS, 1.3, against, withThem.length)];
};
export default bench;
