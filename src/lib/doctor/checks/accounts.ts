import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { toAccounts } from '../../accounts/account.ts';
import { type EtcTexts, planEtc, siteLogins } from '../../accounts/etc.ts';
import { keptLogins, replaceKeys, rootKeys } from '../../accounts/root-keys.ts';
import type { Site } from '../../site/site.ts';
import type { UserRecord } from '../../udb/record.ts';
import { listUsers } from '../../udb/users.ts';
import { check, type Finding, green, NotChecked, type Patient, red } from '../check.ts';

export interface Lag {
  daemon: 'passwd' | 'rootssh';
  /** That are right. */
  count: number;
  /** Lines that are not as UDB says: the logins of some. */
  differ: string[];
}

/** Files are written within a second of a change. */
const WAIT_MS = 2_500;

/** Accounts, and the keys of root, of this host are those of UDB. */
export const accounts = check({
  name: 'accounts',
  subject: 'accounts and keys of root on this host are those of UDB',
  async gather({ site, store, mdb, signal }: Patient): Promise<Lag[]> {
    await mdb();
    const { knex } = await store().catch((error: Error) => {
      throw new NotChecked(error.message);
    });
    const kept = (['passwd', 'rootssh'] as const).filter((name) =>
      existsSync(site.statePath(`${name}.prom`)),
    );
    if (kept.length === 0) throw new NotChecked('neither passwd nor rootssh has ever run here');
    const deadline = performance.now() + WAIT_MS;
    for (;;) {
      const users = await listUsers(knex);
      const lags = await Promise.all(kept.map((name) => LOOK[name](site, users)));
      if (lags.every(({ differ }) => differ.length === 0) || performance.now() > deadline || signal.aborted)
        return lags;
      await sleep(250);
    }
  },
  decide: judgeLags,
});

export function judgeLags(lags: readonly Lag[]): Finding[] {
  const found = lags.flatMap(({ daemon, differ }): Finding[] => {
    if (differ.length === 0) return [];
    const some = `${differ.slice(0, 3).join(', ')}${differ.length > 3 ? '…' : ''}`;
    const unit = `prolo-${daemon}`;
    return [
      red(
        `${daemon}: not as in UDB: ${differ.length > 1 ? `${differ.length} logins: ` : ''}${some}`,
        `systemctl restart ${unit}; journalctl -u ${unit}`,
      ),
    ];
  });
  if (found.length > 0) return found;
  return [green(lags.map(({ daemon, count }) => `${daemon} ${count}`).join(', '))];
}

const LOOK: Record<Lag['daemon'], (site: Site, users: readonly UserRecord[]) => Promise<Lag>> = {
  async passwd({ config, dir }, users) {
    const etc = resolve(dir, config.accounts.root, 'etc');
    const read = (name: string): Promise<string> => readFile(resolve(etc, name), 'latin1');
    const [passwd, shadow, group] = await Promise.all(['passwd', 'shadow', 'group'].map(read)).catch(
      (error: NodeJS.ErrnoException) => {
        throw new NotChecked(error.code === 'EACCES' ? 'it needs root' : error.message);
      },
    );
    const old: EtcTexts = { passwd: passwd!, shadow: shadow!, group: group!, gshadow: undefined };
    const wanted = toAccounts(config, users).accounts.filter((one) =>
      config.accounts.groups.includes(one.group),
    );
    const { texts } = planEtc(config, old, wanted);
    const differ = (['passwd', 'shadow', 'group'] as const).flatMap((name) =>
      changed(old[name], texts[name]),
    );
    return { daemon: 'passwd', count: siteLogins(config, old.passwd).length, differ: [...new Set(differ)] };
  },
  async rootssh({ config, dir }, users) {
    const file = resolve(dir, config.accounts.root, 'root/.ssh/authorized_keys');
    const text = await readFile(file, 'latin1').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EACCES') throw new NotChecked('it needs root');
      return '';
    });
    const { lines } = rootKeys(users);
    const after = lines.length === 0 && text === '' ? text : replaceKeys(text, lines);
    const logins = (all: string): string[] => keptLogins(all);
    const differ = after === text ? [] : symmetric(logins(text), logins(after));
    return {
      daemon: 'rootssh',
      count: lines.length,
      differ: after === text || differ.length > 0 ? differ : ['a key'],
    };
  },
};

/** The first fields of lines that one text has and the other has not: logins, never a hash. */
function changed(before: string, after: string): string[] {
  if (before === after) return [];
  const found = symmetric(before.split('\n'), after.split('\n')).map((line) => line.split(':')[0]!);
  return found.length > 0 ? found : ['the order'];
}

function symmetric(a: readonly string[], b: readonly string[]): string[] {
  const [left, right] = [new Set(a), new Set(b)];
  return [...a.filter((one) => !right.has(one)), ...b.filter((one) => !left.has(one))];
}
