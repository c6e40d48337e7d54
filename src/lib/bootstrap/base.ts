import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ProloError } from '../errors.ts';
import { missingPackages } from '../lab/packages.ts';
import { call, openLog } from './call.ts';
import type { BootstrapOptions } from './options.ts';
import { archiveArgv } from './packages.ts';

/** Makes the archive that `--base` unpacks: whole, or not at all. @throws ProloError */
export async function makeBase(
  options: BootstrapOptions,
  file: string,
  onStep: (what: string) => void,
): Promise<void> {
  if (missingPackages({ mmdebstrap: 'mmdebstrap' }).length > 0)
    throw new ProloError('unavailable', 'bootstrap: mmdebstrap is not installed here', {
      hint: 'apt-get install --no-install-recommends mmdebstrap',
    });
  const path = resolve(file);
  const half = join(dirname(path), `.half-${basename(path)}`); // its end says how it is packed
  const log = openLog();
  try {
    await call({ argv: archiveArgv(options, half) }, 'base', log, onStep);
    await rename(half, path);
  } finally {
    await rm(half, { force: true });
    await log.end();
  }
}
