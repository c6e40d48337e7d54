import { basename, relative } from 'node:path';

/** How this program was called, for examples that can be pasted: `prolo`, or `node bin/run.js` from a checkout. */
export function thisProgram(script: string | undefined, cwd: string): string {
  return script && basename(script) === 'run.js' ? `node ${relative(cwd, script) || script}` : 'prolo';
}
