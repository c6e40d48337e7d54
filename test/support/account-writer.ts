/**
 * Writes accounts again and again, as the daemon does, until it is killed: CONFIG USERS, a file of records. Other shells and UIDs each
 * time. Bundled before it is started, since it is started often.
 */
import { readFileSync } from 'node:fs';
import { createEtcKeeper } from '../../src/lib/accounts/keep-etc.ts';
import { createRunProgram } from '../../src/lib/apply/programs.ts';
import { silentLog } from '../../src/lib/log.ts';
import { loadSite } from '../../src/lib/site/site.ts';
import type { UserRecord } from '../../src/lib/udb/record.ts';

async function main([config = '', file = '']: string[]): Promise<void> {
  const users = JSON.parse(readFileSync(file, 'utf8')) as UserRecord[];
  const keeper = createEtcKeeper(loadSite(config), createRunProgram('if-present', silentLog));
  const { signal } = new AbortController();
  await keeper.clean(signal);
  for (let round = 0; round < 5000; round++) {
    const others = users.filter((_user, n) => (n + round) % 3 > 0);
    await keeper.apply(
      others.map((user) => ({ ...user, shell: `/bin/sh${round}` })),
      signal,
    );
  }
}

void main(process.argv.slice(2));
