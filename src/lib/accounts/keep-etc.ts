import { join, resolve } from 'node:path';
import type { RunProgram } from '../apply/programs.ts';
import { ProloError } from '../errors.ts';
import type { Site } from '../site/site.ts';
import { toAccounts } from './account.ts';
import { mustBeFound, mustPassCheckers } from './check-etc.ts';
import { type EtcPlan, type EtcTexts, planEtc, siteLogins } from './etc.ts';
import type { Kept, Keeper } from './keep.ts';
import { withPwdLock } from './pwd-lock.ts';
import { fileMark, type OldFile, readOld, removeNew, replaceFiles } from './replace-files.ts';

/** In the order of their renames: who is found in passwd has a group and a hash. */
const NAMES = ['group', 'gshadow', 'shadow', 'passwd'] as const;
type Name = (typeof NAMES)[number];

/** Keeps the site's accounts in passwd, shadow, group and gshadow, below `accounts.root`. */
export function createEtcKeeper({ config, dir }: Site, runProgram: RunProgram): Keeper {
  const etc = resolve(dir, config.accounts.root, 'etc');
  const path = (name: Name): string => join(etc, name);
  const paths = NAMES.map(path);
  const read = async (): Promise<Map<Name, OldFile>> => {
    const files = new Map<Name, OldFile>();
    for (const name of NAMES) {
      const file = await readOld(path(name));
      if (file) files.set(name, file);
      else if (name !== 'gshadow')
        throw new ProloError('config', `file ${path(name)}: not there`, {
          hint: 'is `accounts.root` in prolo.yml right? `pwconv` makes shadow from passwd',
        });
    }
    return files;
  };

  return {
    mark: async () => (await Promise.all(paths.map(fileMark))).join('\n'),
    clean: (signal) => withPwdLock(etc, signal, () => removeNew(paths)),
    async known() {
      return siteLogins(config, (await read()).get('passwd')!.text);
    },
    async apply(users, signal) {
      const { accounts, refused } = toAccounts(config, users);
      const wanted = accounts.filter(({ group }) => config.accounts.groups.includes(group));
      if (accounts.length === 0) mustNotEmpty(await this.known(), users.length);
      return withPwdLock(etc, signal, async () => {
        const old = await read();
        const text = (name: Name): string => old.get(name)?.text ?? '';
        const plan = planEtc(
          config,
          {
            passwd: text('passwd'),
            shadow: text('shadow'),
            group: text('group'),
            gshadow: old.get('gshadow')?.text,
          },
          wanted,
        );
        await replace(old, plan);
        return report(plan, refused);
      });
    },
  };

  async function replace(old: ReadonlyMap<Name, OldFile>, { texts, written }: EtcPlan): Promise<void> {
    const changed = [...old].flatMap(([name, file]) =>
      file.text === texts[name] ? [] : [{ old: file, text: texts[name as keyof EtcTexts]! }],
    );
    if (changed.length === 0) return;
    mustBeFound(texts, written);
    await replaceFiles(changed, (newPath) => {
      const all = (of: (file: string) => string) =>
        Object.fromEntries(NAMES.map((name) => [name, old.has(name) ? of(path(name)) : ''])) as Record<
          Name,
          string
        >;
      return mustPassCheckers(
        runProgram,
        all((file) => file),
        all(newPath),
      );
    });
  }
}

/** @throws ProloError `refused`: that nobody is there any more is likelier to be a mistake (another database, an older gateway) */
function mustNotEmpty(known: readonly string[], records: number): void {
  if (known.length === 0) return;
  throw new ProloError(
    'refused',
    `udbsync has ${records === 0 ? 'no users' : 'no user that could be an account'}, and there are ${known.length} accounts here: they stay`,
    { hint: 'is it the right database? `userdel` takes accounts away, while prolo-passwd is stopped' },
  );
}

function report({ written, removed, clashes }: EtcPlan, refused: readonly string[]): Kept {
  const counts: Record<string, number> = { user: 0, orga: 0, root: 0 };
  for (const { group } of written) counts[group]!++;
  return { counts, removed, clashes, refused: [...refused] };
}
