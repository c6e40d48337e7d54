import { chmod, lstat, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inside } from '../inside.ts';
import { placeOf } from './tree-entry.ts';

/** What packages and the builder leave in a new tree, and no two machines may share. */
export async function cleanRoot(tree: string): Promise<void> {
  for (const path of ['etc/hostname', 'var/lib/systemd/random-seed', 'initrd.img', 'initrd.img.old'])
    await rm(placeOf(tree, path), { force: true });
  await removeIn(tree, 'etc/ssh', /^ssh_host_/);
  await removeIn(tree, 'boot', /^initrd\.img|^initramfs-/);
  await removeIn(tree, 'var/log', /\.log(\.\d+)?$/);
  await removeIn(tree, 'var/cache/ldconfig', /./);
  await emptyFile(tree, 'etc/machine-id'); // systemd takes an empty one for a machine that has none yet
  await emptyFile(tree, 'etc/resolv.conf');
  const dbusId = placeOf(tree, 'var/lib/dbus/machine-id');
  if ((await lstat(dbusId).catch(() => undefined))?.isFile()) {
    await rm(dbusId);
    await symlink('/etc/machine-id', dbusId);
  }
  await lockRoot(tree);
}

/** shadow(5), root's password being one that nobody can type; keys are another matter. */
export function withoutRootPassword(shadow: string): string {
  return shadow.replace(/^root:[^:]*:/m, 'root:*:');
}

async function lockRoot(tree: string): Promise<void> {
  const file = inside(tree, 'etc/shadow');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const locked = withoutRootPassword(text);
  if (locked !== text) await writeFile(file, locked);
}

async function emptyFile(tree: string, path: string): Promise<void> {
  const file = placeOf(tree, path);
  await rm(file, { force: true });
  await writeFile(file, '');
  await chmod(file, 0o644);
}

async function removeIn(tree: string, dir: string, names: RegExp): Promise<void> {
  const folder = inside(tree, dir);
  for (const name of await readdir(folder).catch(() => []))
    if (names.test(name)) await rm(join(folder, name), { recursive: true, force: true });
}
