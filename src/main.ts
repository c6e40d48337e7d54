import { execute } from '@oclif/core';

/** Runs the command line. @param entry `import.meta.url` of the file in bin/ */
export async function run(entry: string): Promise<void> {
  // A reader that leaves early (`prolo mdb list | head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  await execute({ dir: entry });
}
