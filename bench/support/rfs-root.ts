import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initRoot, planInit } from '../../src/lib/rfs/root/init.ts';
import { makeTestSite } from '../../test/support/site.ts';

/** Drivers of hardware that no guest has. */
const LEFT_OUT = ['firmware-realtek', 'firmware-bnx2'];
let made: string | undefined;

/**
 * Staging as `prolo rfs init` makes it of the profile `base`, once for all figures of a run; or the one of `PROLO_BENCH_ROOT`, which
 * is only read. Goes away with this process.
 */
export async function benchRoot(report: (text: string) => void): Promise<string> {
  if (process.env.PROLO_BENCH_ROOT) return process.env.PROLO_BENCH_ROOT;
  if (made !== undefined) return made;
  const dir = mkdtempSync(join(tmpdir(), 'prolo-bench-root-'));
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  const staging = join(dir, 'root');
  const test = await makeTestSite({ rfs: { staging, packages: LEFT_OUT.map((name) => `-${name}`) } });
  try {
    report('makes a root of the profile base');
    await initRoot(test.site, await planInit(test.site, []), { actor: 'bench', onStep: () => undefined });
  } finally {
    await test.remove();
  }
  return (made = staging);
}

/** A copy of it that may be changed, without what a commit refuses. */
export function copyRoot(from: string, to: string): string {
  mkdirSync(join(to, '..'), { recursive: true });
  execFileSync('cp', ['-a', '--reflink=auto', from, to]);
  for (const kind of ['rsa', 'ecdsa'])
    for (const end of ['', '.pub']) rmSync(join(to, `etc/ssh/ssh_host_${kind}_key${end}`), { force: true });
  rmSync(join(to, 'etc/machine-id'), { force: true });
  writeFileSync(join(to, 'etc/machine-id'), '');
  return to;
}
