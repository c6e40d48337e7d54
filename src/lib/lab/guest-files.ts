/** What a guest's root filesystem is made of: this machine's own programs, and what they read. */
export const GUEST_PROGRAMS =
  'sh bash login su runuser agetty setsid setpriv flock mount umount findmnt mountpoint mknod busybox ' +
  'cat cp mv rm ls ln mkdir rmdir chmod chown touch stat readlink realpath dirname basename head tail cut tr sort uniq wc tee ' +
  'seq sleep date dd sync truncate timeout env id whoami groups uname hostname base64 md5sum sha256sum printf test true false ' +
  'grep sed awk find xargs od df du expr nproc stty tty mktemp kill ip ss getent logger dmesg ' +
  'nbd-client blockdev e2fsck pamtester curl node unix_chkpwd';

/** Of busybox. */
export const GUEST_APPLETS = ['ps', 'killall', 'pidof', 'ping', 'vi'];

/** Programs outside the usual places, and what others of these read. */
export const GUEST_FILES = [
  '/etc/ld.so.cache',
  '/etc/login.defs',
  '/etc/environment',
  '/etc/shells',
  '/etc/nsswitch.conf',
  '/etc/services',
  '/etc/protocols',
  '/etc/security',
  '/etc/pam.d',
  '/etc/pam.conf',
  '/etc/ssl/openssl.cnf',
  '/usr/share/zoneinfo/UTC',
];

/** What each library named in the output of `ldd` is: a path. */
export function parseLdd(text: string): string[] {
  return [...new Set(text.split('\n').flatMap((line) => /(?:=> |^\s+)(\/\S+) \(0x/.exec(line)?.[1] ?? []))];
}
