import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Recipe } from '../../src/lib/install/recipe.ts';

/** What `ansible-playbook` is told by its environment: modules by one process each, nothing looked for that is known. */
export const ANSIBLE_ENV = [
  'ANSIBLE_PIPELINING=1',
  'ANSIBLE_NOCOLOR=1',
  'ANSIBLE_LOCALHOST_WARNING=0',
  'ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3',
  'HOME=/root',
  'LC_ALL=C.UTF-8',
];

/**
 * Writes recipes as a playbook for the host that it runs on: one task for all packages, one for each kind of the rest. Trees are left
 * out (a playbook would have a package of them), and what runs only when a file has changed.
 */
export function writePlaybook(recipes: readonly Recipe[], root: string, dir: string): string {
  const sources = join(dir, 'files');
  mkdirSync(join(root, sources), { recursive: true });
  const files = recipes.flatMap((recipe) => recipe.files ?? []);
  const copies = files.map(({ path, text, mode = 0o644, owner = 'root', group = owner }, index) => {
    const src = join(sources, String(index));
    writeFileSync(join(root, src), text);
    return { src, dest: path, mode: octal(mode), owner, group };
  });
  const folders = recipes.flatMap((recipe) => recipe.folders ?? []);
  const each = (module: string, args: Record<string, unknown>, loop: readonly unknown[]) =>
    loop.length > 0 ? [{ [`ansible.builtin.${module}`]: args, loop }] : [];
  const item = (...keys: string[]) => Object.fromEntries(keys.map((key) => [key, `{{ item.${key} }}`]));
  const play = {
    hosts: 'localhost',
    connection: 'local',
    gather_subset: ['min'],
    tasks: [
      {
        'ansible.builtin.apt': {
          name: unique(recipes.flatMap((recipe) => recipe.packages ?? [])),
          install_recommends: false,
        },
      },
      ...each(
        'user',
        { ...item('name', 'home'), system: true, create_home: false, shell: '/usr/sbin/nologin' },
        recipes
          .flatMap((recipe) => recipe.users ?? [])
          .map(({ name, home = '/nonexistent' }) => ({ name, home })),
      ),
      ...each(
        'file',
        { ...item('path', 'mode', 'owner', 'group'), state: 'directory' },
        folders.map(({ path, mode = 0o755, owner = 'root', group = owner }) => ({
          ...{ path, mode: octal(mode), owner, group },
        })),
      ),
      ...each('copy', item('src', 'dest', 'mode', 'owner', 'group'), copies),
      ...each(
        'systemd',
        { name: '{{ item }}', enabled: true },
        unique(recipes.flatMap((recipe) => recipe.units ?? [])),
      ),
    ],
  };
  const file = join(dir, 'play.yml');
  writeFileSync(join(root, file), stringify([play]));
  return file;
}

const octal = (mode: number): string => mode.toString(8).padStart(4, '0');
const unique = (list: readonly string[]): string[] => [...new Set(list)];
