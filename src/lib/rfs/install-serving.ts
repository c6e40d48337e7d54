import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { installChecked } from '../apply/install.ts';
import { ProloError } from '../errors.ts';
import { run } from '../exec.ts';
import { writeFileAtomic } from '../write-file.ts';
import type { ServerKind } from './serve.ts';

/**
 * Puts a server's configuration into place; nginx reads it before that. The two NFS servers have no way to be asked.
 * @throws ProloError `refused` with nginx's words, `unavailable` without nginx; the old file is as it was
 */
export async function installServing(kind: ServerKind, file: string, text: string): Promise<void> {
  const name = basename(file);
  await installChecked(dirname(file), [{ name, text }], (staging) =>
    kind === 'nginx' ? checkNginx(join(staging, name), file) : Promise.resolve(),
  );
}

/** With nothing around it, so that what is wrong elsewhere is not blamed on it. */
async function checkNginx(file: string, shownAs: string): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'prolo-nginx-'));
  try {
    const conf = join(work, 'nginx.conf');
    await writeFileAtomic(conf, `pid ${work}/pid;\nevents {}\nhttp {\n  include ${file};\n}\n`);
    const { exitCode, stderr } = await run(['nginx', '-t', '-q', '-e', 'stderr', '-p', work, '-c', conf]);
    if (exitCode === 0) return;
    throw new ProloError('refused', `file ${shownAs}: nginx says: ${stderr.trim().split('\n')[0]}`, {
      hint: 'the file of before stays',
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
