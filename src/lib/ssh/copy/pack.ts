import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { lstat, mkdtemp, readdir, stat, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileTrouble } from '../../cli/file-trouble.ts';
import { ProloError } from '../../errors.ts';
import { run } from '../../exec.ts';
import { isFullDisk } from './last-words.ts';
import { refuseSameNames, type Source } from './words.ts';

/** All that is copied as one archive in a temporary file: every machine gets the same bytes, whatever changes meanwhile. */
export interface Archive {
  file: string;
  bytes: number;
  /** The name of its last file, which is empty: where that is, all came. */
  last: string;
  remove(): void;
}

/** proc and sysfs: tar would believe the sizes there, and copy nothing, or zeros. */
const MADE_BY_KERNEL = new Set([0x9fa0, 0x62656572]);

/** @throws ProloError `not-found`, `forbidden`, `bad-input` for what cannot be copied */
export async function checkSources(sources: readonly Source[]): Promise<void> {
  const names: string[] = [];
  for (const { dir, name } of sources) {
    const path = join(dir, name);
    try {
      if (!(await lstat(path)).isSymbolicLink() && MADE_BY_KERNEL.has((await statfs(path)).type))
        throw new ProloError('bad-input', `${path}: no file on a disk`, {
          hint: 'copy what `cat` makes of it',
        });
      names.push(...(name === '.' ? await readdir(dir) : [name]));
    } catch (error) {
      throw fileTrouble(error) ?? error;
    }
  }
  if (names.length === 0)
    throw new ProloError('bad-input', `${sources[0]!.dir}: an empty folder holds nothing`);
  refuseSameNames(names);
}

/** @throws ProloError `full` when there is no room for it, `failed` with tar's words when not all could be read */
export async function pack(
  sources: readonly Source[],
  { dereference, signal }: { dereference: boolean; signal?: AbortSignal },
): Promise<Archive> {
  const dir = await mkdtemp(join(tmpdir(), 'prolo-pcp-'));
  const remove = (): void => {
    process.off('exit', remove);
    rmSync(dir, { recursive: true, force: true });
  };
  process.once('exit', remove);
  try {
    const file = join(dir, 'archive');
    const last = `.last-${randomBytes(8).toString('hex')}`;
    await writeFile(join(dir, last), '');
    const members = sources.flatMap((source) => ['-C', resolve(source.dir), memberOf(source)]);
    const options = ['-S', '--format=posix', '--pax-option=delete=atime,delete=ctime', '--no-unquote'];
    if (dereference) options.push('-h');
    const exclude = `--exclude=${basename(dir)}`; // where it is in the tree itself
    const argv = ['tar', '-c', ...options, exclude, '-f', file, ...members, '-C', dir, `./${last}`];
    const { exitCode, stderr } = await run(argv, {
      timeoutMs: 0,
      env: { LC_ALL: 'C', TAR_OPTIONS: '' },
      ...(signal ? { signal } : {}),
    });
    if (exitCode !== 0) throw packTrouble(stderr);
    return { file, last, bytes: (await stat(file)).size, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** No name is taken for an option. */
function memberOf({ name }: Source): string {
  return name === '.' ? '.' : `./${name}`;
}

function packTrouble(stderr: string): ProloError {
  if (isFullDisk(stderr))
    return new ProloError('full', `${tmpdir()}: no room for an archive of what is copied`, {
      hint: 'name another folder in TMPDIR',
    });
  const lines = stderr.split('\n').filter((line) => line !== '' && !/Exiting with failure/.test(line));
  return new ProloError('failed', `not all can be read:\n${lines.slice(0, 5).join('\n')}`, {
    hint: 'nothing was copied',
  });
}
