import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Skips the test when a program is missing, with the name of its Debian package; with CI=true that is a failure.
 * Call it first in a `before` or an `it`: `needs(this, { named: 'bind9', dig: 'dnsutils' })`.
 */
export function needs(context: Mocha.Context, programs: Record<string, string>): void {
  const missing = Object.entries(programs).filter(([program]) => !findProgram(program));
  if (missing.length === 0) return;
  const text = missing.map(([program, pkg]) => `${program} (package ${pkg})`).join(', ');
  if (process.env.CI === 'true') throw new Error(`missing: ${text}`);
  if (context.test) context.test.title += ` [skipped: needs ${text}]`;
  context.skip();
}

/** The program's path, looked for where root's programs are too. */
export function findProgram(program: string): string | undefined {
  const dirs = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/local/sbin'];
  return [program, ...dirs.map((dir) => join(dir, program))].find(
    (path) => path.includes('/') && existsSync(path),
  );
}
