import { keepFiles } from '../lib/accounts/keep.ts';
import { createRootKeysKeeper } from '../lib/accounts/keep-root-keys.ts';
import { createRunProgram } from '../lib/apply/programs.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';

/** Keeps the keys that may log in as root at those of UDB's roots. */
export const start: StartDaemon = (context) =>
  keepFiles(
    'rootssh',
    context,
    createRootKeysKeeper(context.site, createRunProgram('if-present', context.log)),
  );
