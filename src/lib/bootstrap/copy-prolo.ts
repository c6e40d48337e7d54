import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runOk, runPiped } from '../exec.ts';
import { packageRoot } from '../package-root.ts';
import { listProloFiles } from '../prolo-files.ts';
import { PROLO } from '../prolo-tree.ts';
import { putEntry } from '../rfs/root/tree-entry.ts';

const LIST = '/run/prolo-bootstrap.files';
const TIMEOUT_MS = 600_000;

/** Prolo and the Node that runs this, as the recipe `prolo` has them; thousands of files, so tar(1) copies them. */
export async function copyProlo(tree: string): Promise<void> {
  const folder = join(tree, PROLO);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(
    LIST,
    listProloFiles('server').map(({ path }) => `${path}\n`),
  );
  const how = ['--dereference', '--no-recursion', '--owner=0', '--group=0', '--mode=u=rwX,go=rX'];
  await runPiped(
    ['tar', '--create', ...how, '--directory', packageRoot, '--files-from', LIST],
    ['tar', '--extract', '--directory', folder],
    { timeoutMs: TIMEOUT_MS },
  );
  await rm(LIST);
  await runOk(['install', '--mode=755', process.execPath, join(folder, 'node')], { timeoutMs: TIMEOUT_MS });
  const data = await readFile(join(packageRoot, 'templates/rfs/root/tree/usr/bin/prolo'));
  await putEntry(tree, { path: 'usr/bin/prolo', data, mode: 0o755 }, false);
}
