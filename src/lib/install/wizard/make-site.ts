import { resolve } from 'node:path';
import { confirm } from '../../cli/confirm.ts';
import { fillSite } from '../../site/fill.ts';
import { initSite } from '../../site/init.ts';
import { findConfig } from '../../site/site.ts';
import { begin, type Begun } from './begin.ts';

export interface MakeSiteOptions {
  /** Of --config. */
  config: string | undefined;
  /** Of --answers. */
  answers: string | undefined;
  onlyLooks: boolean;
  yes: boolean;
  actor: string;
  show(text: string): void;
}

/**
 * Asks what this machine is to become, and makes its site where it is the first of one.
 * @returns with the site's file; undefined: not now, or it was only to be shown
 * @throws as `begin`, `initSite`
 */
export async function makeSite(options: MakeSiteOptions): Promise<(Begun & { file: string }) | undefined> {
  const { config, answers, onlyLooks, yes, actor, show } = options;
  const file = findFile(config);
  const begun = await begin(file, answers);
  if (!begun?.site) return begun && { ...begun, file };
  const { dir, draft, text } = begun.site;
  show(`+ ${file}\n${text.trimEnd().replace(/^/gm, '  ')}`);
  if (onlyLooks) {
    show(`then: prolo install ${begun.role} --host ${begun.hostname}`);
    return undefined;
  }
  if (!(await confirm(`make this site in ${dir}?`, yes, '--plan'))) return undefined;
  await initSite(dir, draft, (made) => fillSite(made, false, actor));
  return { ...begun, file };
}

/** Where the site is, or is to be. */
function findFile(config: string | undefined): string {
  try {
    return findConfig(config, process.env, process.cwd());
  } catch {
    return resolve(config ?? process.env.PROLO_CONFIG ?? '/etc/prolo/prolo.yml');
  }
}
