import { ProloError } from '../errors.ts';
import { run, type RunOptions, type RunResult } from '../exec.ts';
import type { Logger } from '../log.ts';

/** What a server's checkers and its reload are run by. Undefined: the program is not installed, and need not be. */
export type RunProgram = (argv: readonly string[], options?: RunOptions) => Promise<RunResult | undefined>;

/**
 * @param policy `required`: a missing program is an error. `if-present`: one warning each, then as if it had agreed;
 * for a sample site on a machine that has no servers at all.
 */
export function createRunProgram(policy: 'required' | 'if-present', log: Logger): RunProgram {
  const missing = new Set<string>();
  return async (argv, options) => {
    try {
      return await run(argv, options);
    } catch (error) {
      const notThere = error instanceof ProloError && error.kind === 'unavailable';
      if (!notThere || policy === 'required') throw error;
      const [program = ''] = argv;
      if (!missing.has(program)) log.warn({ program }, 'program not installed: going on without it');
      missing.add(program);
      return undefined;
    }
  };
}
