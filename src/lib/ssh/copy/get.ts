import { rmSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../cli/output.ts';
import { watchDisk } from '../../disk-floor.ts';
import { ProloError } from '../../errors.ts';
import { commandOf } from '../command.ts';
import type { Outcome } from '../protocol.ts';
import { createLastWords } from './last-words.ts';
import { scriptOf } from './put.ts';
import { type CopyContext, runCopy } from './run-copy.ts';
import { startUnpacking, type Unpacking } from './unpack.ts';
import type { Source } from './words.ts';

export function getCommand(sources: readonly Source[], dereference: boolean): string {
  const options = dereference ? '--dereference' : '';
  const pairs = sources.flatMap(({ dir, name }) => [dir, name]);
  return commandOf(['sh', '-c', scriptOf('get.sh'), 'pget', options, ...pairs]);
}

/**
 * Fetches into `dir/<hostname>/<name>`, in place of what has that name there; a machine's files appear there when all of them came.
 * @param names of what is fetched: nothing else is taken
 */
export async function getEverywhere(
  context: CopyContext,
  command: string,
  { dir, names, maxBytes }: { dir: string; names: readonly string[]; maxBytes: number },
) {
  await makeFolder(dir);
  const took = await watchDisk(dir);
  const stage = await mkdtemp(join(dir, '.pget-'));
  const removeStage = (): void => rmSync(stage, { recursive: true, force: true, maxRetries: 2 });
  process.once('exit', removeStage);
  const words = createLastWords();
  const unpackings = new Map<string, Unpacking>();
  const faults = new Map<string, Error>();
  let bytes = 0;

  const take = async (hostname: string, chunk: Buffer): Promise<void> => {
    let unpacking = unpackings.get(hostname);
    if (!unpacking) {
      await mkdir(join(stage, hostname), { mode: 0o700 });
      unpackings.set(hostname, (unpacking = startUnpacking(join(stage, hostname), maxBytes)));
    }
    bytes += chunk.length;
    await unpacking.write(chunk);
    await took(chunk.length);
  };

  /** @throws ProloError what is wrong with what it sent */
  const keep = async (hostname: string, unpacking: Unpacking): Promise<number> => {
    const fault = faults.get(hostname);
    if (fault) throw fault;
    const leftOut = await unpacking.finish();
    await place(stage, dir, hostname, names);
    return leftOut;
  };

  const end = async (outcome: Outcome): Promise<Outcome> => {
    const { hostname, ms, exitCode } = outcome;
    const failed = (reason: string): Outcome => ({
      hostname,
      status: 'failed',
      exitCode: exitCode || 1,
      reason,
      ms,
    });
    const unpacking = unpackings.get(hostname);
    const said = words.of(hostname);
    if (!unpacking && outcome.status === 'ok') return failed(said ?? 'it sent nothing');
    const told =
      said === undefined || outcome.status === 'ok'
        ? outcome
        : { ...outcome, reason: outcome.reason ?? said };
    if (!unpacking) return told;
    // Of a command that came to no end, nobody knows what is missing.
    if (exitCode === undefined && !faults.has(hostname)) return (await unpacking.cancel(), told);
    try {
      const leftOut = await keep(hostname, unpacking);
      return leftOut === 0 ? told : failed(`${leftOut} devices or pipes were left out`);
    } catch (error) {
      await unpacking.cancel();
      return failed((error as Error).message);
    }
  };

  try {
    return await runCopy(
      context,
      { command },
      {
        async write(hostname, from, chunk) {
          if (from === 'stderr') return words.add(hostname, chunk);
          await take(hostname, chunk).catch((error: Error) => {
            faults.set(hostname, error);
            throw error;
          });
        },
        end,
        bytes: () => ({ done: bytes }),
      },
    );
  } finally {
    removeStage();
    process.off('exit', removeStage);
  }
}

/** @throws ProloError `refused` for what was not asked for */
async function place(stage: string, dir: string, hostname: string, names: readonly string[]): Promise<void> {
  const came = await readdir(join(stage, hostname));
  const strange = came.find((name) => !names.includes(name));
  if (strange !== undefined) throw new ProloError('refused', `it sent ${strange}, which nobody asked for`);
  if (came.length === 0) throw new ProloError('failed', 'it sent nothing');
  await mkdir(join(dir, hostname), { recursive: true });
  for (const name of came) {
    const target = join(dir, hostname, name);
    const isFolder = async (path: string): Promise<boolean> =>
      (await lstat(path).catch(() => undefined))?.isDirectory() ?? false;
    if ((await isFolder(target)) || (await isFolder(join(stage, hostname, name))))
      await rename(target, join(stage, `${hostname}.old.${name}`)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
    await rename(join(stage, hostname, name), target);
  }
}
