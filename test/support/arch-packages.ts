import { execFileSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import type { StubFile, StubPackage } from './arch-repository.ts';
import { findProgram } from './needs.ts';

const PACMAN_CONF = `[options]
HoldPkg = pacman glibc
Architecture = auto
CheckSpace
ParallelDownloads = 5
SigLevel = Required DatabaseOptional
LocalFileSigLevel = Optional

[core]
Include = /etc/pacman.d/mirrorlist

[extra]
Include = /etc/pacman.d/mirrorlist
`;
const LOCALE_GEN = `#!/bin/sh
mkdir -p /usr/lib/locale
grep -v '^#' /etc/locale.gen > /usr/lib/locale/locale-archive
`;
/** As Arch's own, where the tree has a keyring already. */
const POPULATE = `post_install() {
  if usr/bin/pacman-key -l >/dev/null 2>&1; then usr/bin/pacman-key --populate archlinux; fi
}
post_upgrade() { post_install; }
`;
/** Would put an initramfs beside every kernel. */
const MKINITCPIO_HOOK = `[Trigger]
Type = Path
Operation = Install
Operation = Upgrade
Target = usr/lib/modules/*/vmlinuz

[Action]
Description = Updating linux initcpios...
When = PostTransaction
Exec = /usr/bin/touch /made-an-initramfs
`;
const PASSWD = 'root:x:0:0::/root:/bin/bash\nbin:x:1:1::/:/usr/bin/nologin\n';
const APPLETS =
  'sh awk basename cat chmod chown cp cut dirname env find grep head id ln ls mkdir mktemp mv rm sed sleep sort stat tail test touch tr true uniq wc';
const PACMAN = ['pacman', 'pacman-conf', 'pacman-key', 'vercmp'];
const GNUPG = ['gpg', 'gpg-agent', 'gpgconf'];

/** For `needs`. */
export const ARCH_PROGRAMS: Record<string, string> = {
  pacstrap: 'arch-install-scripts',
  pacman: 'pacman-package-manager',
  '/usr/share/makepkg/util/parseopts.sh': 'makepkg',
  gpg: 'gnupg',
  busybox: 'busybox-static',
  'systemd-nspawn': 'systemd-container',
  zstd: 'zstd',
};

/**
 * Arch's `base` and what it needs, as far as pacman runs in it, of this host's programs; and nothing under every other name.
 * @param keyring what `archlinux-keyring` has
 */
export function archPackages(names: readonly string[], keyring: Record<string, StubFile>): StubPackage[] {
  const made = basePackages(keyring);
  const known = new Set(made.map(({ name }) => name));
  return [
    ...made,
    ...names.filter((name) => !known.has(name)).map((name) => ({ name, repository: 'extra' as const })),
  ];
}

function basePackages(keyring: Record<string, StubFile>): StubPackage[] {
  const bin = (program: string): [string, StubFile] => [
    `usr/bin/${program}`,
    { copyOf: findProgram(program)! },
  ];
  const bins = (programs: readonly string[]) => Object.fromEntries(programs.map(bin));
  return [
    {
      name: 'base',
      depends: ['filesystem', 'glibc', 'bash', 'coreutils', 'pacman', 'archlinux-keyring', 'mkinitcpio'],
    },
    {
      name: 'filesystem',
      folders: ['usr/bin', 'usr/lib', 'root', 'home', 'srv', 'var/log', 'boot'],
      backup: ['etc/passwd', 'etc/group', 'etc/shadow', 'etc/hosts'],
      files: {
        bin: { link: 'usr/bin' },
        sbin: { link: 'usr/bin' },
        lib: { link: 'usr/lib' },
        lib64: { link: 'usr/lib' },
        'usr/sbin': { link: 'bin' },
        'usr/lib64': { link: 'lib' },
        'etc/mtab': { link: '../proc/self/mounts' },
        'etc/os-release': { link: '../usr/lib/os-release' },
        'usr/lib/os-release': { text: 'NAME="Arch Linux"\nID=arch\n' },
        'etc/passwd': { text: PASSWD },
        'etc/group': { text: 'root:x:0:root\nbin:x:1:daemon\n' },
        'etc/shadow': { text: 'root::14871::::::\nbin:!*:14871::::::\n', mode: 0o600 },
        'etc/hosts': { text: '127.0.0.1 localhost\n' },
      },
    },
    {
      name: 'glibc',
      version: '2.38-7',
      depends: ['filesystem'],
      backup: ['etc/locale.gen'],
      files: {
        'etc/locale.gen': { text: '#en_US.UTF-8 UTF-8\n' },
        'usr/bin/locale-gen': { text: LOCALE_GEN, mode: 0o755 },
        ...librariesOf([process.execPath, ...['bash', ...GNUPG, 'pacman'].map((one) => findProgram(one)!)]),
      },
    },
    { name: 'bash', depends: ['glibc'], files: bins(['bash']) },
    {
      name: 'coreutils',
      depends: ['busybox'],
      files: Object.fromEntries(
        APPLETS.split(' ').map((applet) => [`usr/bin/${applet}`, { link: 'busybox' }]),
      ),
    },
    { name: 'busybox', repository: 'extra', files: bins(['busybox']) },
    { name: 'gettext', files: { 'usr/bin/gettext': { text: '#!/bin/sh\nprintf %s "$1"\n', mode: 0o755 } } },
    { name: 'gnupg', depends: ['glibc'], files: bins(GNUPG) },
    {
      name: 'pacman',
      depends: ['bash', 'coreutils', 'gettext', 'gnupg', 'pacman-mirrorlist'],
      backup: ['etc/pacman.conf'],
      folders: ['var/lib/pacman', 'var/cache/pacman/pkg'],
      files: {
        ...bins(PACMAN),
        'usr/share/makepkg': { copyOf: '/usr/share/makepkg' },
        'etc/pacman.conf': { text: PACMAN_CONF },
      },
    },
    {
      name: 'pacman-mirrorlist',
      backup: ['etc/pacman.d/mirrorlist'],
      files: { 'etc/pacman.d/mirrorlist': { text: '#Server = https://mirror.example/$repo/os/$arch\n' } },
    },
    { name: 'archlinux-keyring', depends: ['pacman'], files: keyring, install: POPULATE },
    {
      name: 'mkinitcpio',
      files: {
        'usr/share/libalpm/hooks/90-mkinitcpio-install.hook': { text: MKINITCPIO_HOOK },
      },
    },
    {
      name: 'linux',
      version: '6.6.8.arch1-1',
      files: { 'usr/lib/modules/6.6.8-arch1-1/vmlinuz': { text: 'none\n' } },
    },
  ];
}

/** What programs are linked to, where their loader looks for it. */
function librariesOf(programs: readonly string[]): Record<string, StubFile> {
  const said = execFileSync('ldd', programs, { encoding: 'utf8' });
  const paths = [...new Set([...said.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path!))];
  return Object.fromEntries(
    paths
      .filter((path) => existsSync(path))
      .map((path) => [path.replace(/^\/(usr\/)?lib(64)?\//, 'usr/lib/'), { copyOf: realpathSync(path) }]),
  );
}
