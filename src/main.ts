import { fileURLToPath } from 'node:url';
import { execute, type Interfaces } from '@oclif/core';
import pjson from '../package.json' with { type: 'json' };
import { asProloError } from './lib/errors.ts';

// The plugins' commands are in our bundle (scripts/build.js): oclif need not look for them at every start.
const { plugins: _bundled, ...oclif } = pjson.oclif;

/** Runs the command line. @param entry `import.meta.url` of the file in bin/ */
export async function run(entry: string): Promise<void> {
  // A reader that leaves early (`prolo mdb list | head`) is no error.
  // Before oclif's own listener, which throws.
  process.stdout.prependListener('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    const { message, exitStatus } = asProloError(error);
    process.stderr.write(`prolo: standard output: ${message}\n`);
    process.exit(exitStatus);
  });
  process.stderr.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  await execute({
    loadOptions: {
      root: fileURLToPath(new URL('..', entry)),
      pjson: { ...pjson, oclif } as Interfaces.PJSON,
      devPlugins: false,
      userPlugins: false,
    },
  });
}
