import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ProloError } from '../errors.ts';
import { run, runOk } from '../exec.ts';
import { packageRoot } from '../package-root.ts';
import { listProloFiles } from '../prolo-files.ts';
import { GUEST_APPLETS, GUEST_FILES, GUEST_PROGRAMS, parseLdd } from './guest-files.ts';
import { findProgram } from './packages.ts';

/** Where prolo is in a guest. */
const PROLO = '/usr/lib/prolo';

/**
 * Makes a guest's root filesystem of this machine's programs, their libraries, PAM's modules and the built prolo: a
 * squashfs, uncompressed, since an emulated processor unpacks slowly.
 * @param work a folder for what is needed meanwhile; it is removed
 */
export async function buildGuestRoot(image: string, work: string): Promise<void> {
  try {
    makeFolders(work);
    const programs = GUEST_PROGRAMS.split(' ').map(needProgram);
    const modules = securityModules();
    const libraries = await librariesOf([...programs, ...modules].map((file) => realpathSync(file)));
    for (const file of [...programs, ...modules, ...libraries, ...GUEST_FILES]) copyInto(work, file);
    copyProlo(join(work, PROLO));
    for (const name of GUEST_APPLETS) symlinkSync('busybox', join(work, 'usr/bin', name));
    symlinkSync(join(PROLO, 'bin/run.js'), join(work, 'usr/bin/prolo'));
    const own = join(work, 'usr/lib/prolo-lab');
    mkdirSync(own);
    for (const name of ['guest-boot', 'guest-agent', 'lease']) {
      copyFileSync(join(packageRoot, 'templates/lab', name), join(own, name));
      chmodSync(join(own, name), 0o755);
    }
    rmSync(image, { force: true });
    const plain = ['-noI', '-noD', '-noF', '-noX', '-no-xattrs', '-all-root', '-quiet', '-no-progress'];
    await runOk(['mksquashfs', work, image, ...plain], { timeoutMs: 120_000 });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** As this machine has them: where `/bin` is a link to `usr/bin`, there too. */
function makeFolders(root: string): void {
  for (const name of ['usr/bin', 'usr/sbin', 'usr/lib', 'usr/lib64', 'etc', 'var/log', 'home', 'root', 'mnt'])
    mkdirSync(join(root, name), { recursive: true });
  for (const name of ['proc', 'sys', 'dev', 'run', 'tmp']) mkdirSync(join(root, name));
  for (const name of ['bin', 'sbin', 'lib', 'lib64'])
    if (existsSync(`/${name}`) && lstatSync(`/${name}`).isSymbolicLink())
      symlinkSync(readlinkSync(`/${name}`), join(root, name));
  symlinkSync('/run', join(root, 'var/run'));
}

function needProgram(name: string): string {
  const file = findProgram(name);
  if (!file) throw new ProloError('unavailable', `guest: this machine has no ${name} to give it`);
  return file;
}

function securityModules(): string[] {
  const dir = ['/usr/lib', '/lib']
    .flatMap((lib) => readdirSync(lib).map((name) => join(lib, name, 'security')))
    .find((path) => existsSync(join(path, 'pam_unix.so')));
  if (!dir) throw new ProloError('unavailable', 'guest: this machine has no PAM modules (pam_unix.so)');
  return readdirSync(dir)
    .filter((name) => name.endsWith('.so'))
    .map((name) => join(dir, name));
}

async function librariesOf(files: readonly string[]): Promise<string[]> {
  // Its status is not 0 where one of them is no dynamic executable.
  const { stdout } = await run(['ldd', ...files]);
  return parseLdd(stdout);
}

/** To the place that its folder really is; a link becomes the file that it leads to. */
function copyInto(root: string, file: string): void {
  if (!existsSync(file)) return;
  const target = join(root, realpathSync(dirname(file)), basename(file));
  mkdirSync(dirname(target), { recursive: true });
  cpSync(realpathSync(file), target, { recursive: true, dereference: true });
}

function copyProlo(to: string): void {
  for (const { from, path } of listProloFiles('pc')) cpSync(from, join(to, path), { dereference: true });
}
