import { keepFiles } from '../lib/accounts/keep.ts';
import { createEtcKeeper } from '../lib/accounts/keep-etc.ts';
import { createRunProgram } from '../lib/apply/programs.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';

/** Keeps the accounts of this host at what UDB says. */
export const start: StartDaemon = (context) =>
  keepFiles('passwd', context, createEtcKeeper(context.site, createRunProgram('if-present', context.log)));
