import { ProloError } from '../../errors.ts';
import { run } from '../../exec.ts';
import type { Spool } from './spool.ts';

/** Longer outputs are not compared line by line: diff keeps both of them in memory. */
const MAX_BYTES = 16 * 1024 * 1024;
const TIMEOUT_MS = 30_000;

/**
 * A unified diff of two outputs, in bytes; empty where they are the same. Where there can be none: a line that says why.
 * @param names of the two, as they are in its header
 */
export async function diffOutputs(
  [from, to]: readonly [Spool, Spool],
  names: readonly [string, string],
): Promise<Buffer> {
  if (from.digest() === to.digest()) return Buffer.alloc(0);
  if (Math.max(from.bytes, to.bytes) > MAX_BYTES)
    return Buffer.from(`${to.bytes} bytes differ from ${from.bytes} bytes: too long for a diff\n`);
  const labels = names.flatMap((name) => ['--label', name]);
  const argv = ['diff', '-u', '--speed-large-files', ...labels, await from.path(), await to.path()];
  try {
    const options = { timeoutMs: TIMEOUT_MS, env: { LC_ALL: 'C' }, encoding: 'latin1' as const };
    const { exitCode, stdout, stderr } = await run(argv, options);
    if (stdout === '' && exitCode > 1) throw new ProloError('failed', `diff: ${stderr.trim()}`);
    return Buffer.from(stdout, 'latin1');
  } catch (error) {
    return Buffer.from(`it differs, and there is no diff: ${(error as Error).message}\n`);
  }
}
