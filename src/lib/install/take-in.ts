import { existsSync } from 'node:fs';
import { runOk } from '../exec.ts';
import type { Recipe } from './recipe.ts';

/** Whether systemd runs this host: in a folder, a container without it, or another's root, there is nothing to tell. */
const hasSystemd = (root: string): boolean => root === '/' && existsSync('/run/systemd/system');

/** Lets what runs know of a recipe's new files. Where nothing runs, the next start does. */
export async function takeIn(
  root: string,
  { units = [], afterwards = [] }: Recipe,
  changed: boolean,
): Promise<void> {
  if (!changed || !hasSystemd(root)) return;
  for (const argv of afterwards) await runOk(argv);
  if (units.length === 0) return;
  await runOk(['systemctl', 'daemon-reload']);
  await runOk(['systemctl', 'reload-or-restart', ...units], { timeoutMs: 120_000 });
}
