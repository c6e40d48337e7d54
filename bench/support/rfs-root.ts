import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/lib/package-root.ts';

let made: string | undefined;

/**
 * A Debian root of the profile `base` with nothing of a site in it, made by mmdebstrap once for all figures of a run; or the one of
 * `PROLO_BENCH_ROOT`, which is only read. Goes away with this process.
 */
export function benchRoot(report: (text: string) => void): string {
  if (process.env.PROLO_BENCH_ROOT) return process.env.PROLO_BENCH_ROOT;
  if (made !== undefined) return made;
  const dir = mkdtempSync(join(tmpdir(), 'prolo-bench-root-'));
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  const tree = join(dir, 'root');
  report('makes a root of the profile base …');
  const packages = profile('base');
  execFileSync(
    'mmdebstrap',
    ['--variant=minbase', '--quiet', `--include=${packages.join(',')}`, 'bookworm', tree],
    { stdio: ['ignore', 'ignore', 'inherit'], timeout: 300_000 },
  );
  return (made = tree);
}

/** A copy of it that may be changed, without what a commit refuses. */
export function copyRoot(from: string, to: string): string {
  mkdirSync(join(to, '..'), { recursive: true });
  execFileSync('cp', ['-a', '--reflink=auto', from, to]);
  for (const kind of ['rsa', 'ecdsa', 'ed25519'])
    for (const end of ['', '.pub']) rmSync(join(to, `etc/ssh/ssh_host_${kind}_key${end}`), { force: true });
  writeFileSync(join(to, 'etc/machine-id'), '');
  return to;
}

function profile(name: string): string[] {
  const file = join(packageRoot, 'templates/rfs/profiles/debian', `${name}.txt`);
  if (!existsSync(file)) throw new Error(`profile ${name}: no ${file}`);
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter(Boolean);
}
