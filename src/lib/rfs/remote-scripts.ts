import { quote } from '../ssh/command.ts';
import { SPARE_BYTES } from './space.ts';

/** How long to wait for what a run that was killed has left running there; it makes the same bytes. */
const WAIT_SECONDS = 300;
/** A server gives up a version when it has heard nothing of it for so long; less than others wait for the folder. */
const SILENCE_SECONDS = 120;
/** `flock`'s status when it waited in vain. */
export const BUSY = 75;

/** A command that runs while nothing else of ours does in the folder of versions there: the folder itself is the lock. */
export function locked(dir: string, command: string): string {
  return `flock -w ${WAIT_SECONDS} -E ${BUSY} ${quote(dir)} ${command}`;
}

/** For any login shell. */
function script(dir: string, lines: readonly string[]): string {
  return `mkdir -p ${quote(dir)} && ${locked(dir, `sh -c ${quote(['set -e', `cd ${quote(dir)}`, ...lines].join('\n'))}`)}`;
}

const SIZES = [
  'size() { stat -c %s "$1" 2>/dev/null || echo 0; }',
  "free() { df -P -B1 . | awk 'NR == 2 { print $4 }'; }",
];
const DROP_OTHERS = [`for old in .new-*; do [ "$old" = "$new" ] || rm -rf "$old"; done`];

/**
 * Makes the place for a version. Says one line: `whole` where it is there already; `full FREE NEED` in bytes; else `ready`, with the
 * folder that files are likely to be like: the newest version, before which comes whatever was brought until a break.
 * @param bytes of the version
 */
export function prepareScript(dir: string, version: number, bytes: number): string {
  return script(dir, [
    `new=.new-${version} need=${bytes + SPARE_BYTES}`,
    ...SIZES,
    ...DROP_OTHERS,
    `if [ -e ${version} ]; then rm -rf $new; echo whole; exit; fi`,
    'base=',
    `for one in $(ls | grep -x "[1-9][0-9]*" | sort -n); do [ ! -f "$one/root.img" ] || base=$one; done`,
    'mkdir -p $new; chmod 755 $new; rm -rf $new/.base',
    'part=',
    'for one in $new/.part $new/root.img $new/.root.img.*; do',
    '  if [ -f "$one" ] && [ $(size "$one") -gt $(size "$part") ]; then part=$one; fi',
    'done',
    'if [ "$part" ] && [ "$part" != $new/.part ]; then mv -f "$part" $new/.part; fi',
    'rm -f $new/root.img $new/.root.img.*',
    'part=$(size $new/.part) whole=$(size "$base/root.img")',
    'if [ $part -gt 0 ] && [ $(free) -lt $((need + part + whole)) ]; then rm $new/.part; part=0; fi',
    'if [ $(free) -lt $need ]; then free=$(free); rm -rf $new; echo full $free $need; exit; fi',
    'if [ $part -gt 0 ]; then',
    '  mkdir $new/.base',
    '  cat $new/.part ${base:+"$base/root.img"} >$new/.base/root.img',
    '  base=$new/.base',
    'fi',
    'echo "ready $base"',
  ]);
}

/**
 * Makes a version out of an older one that is there, by what comes in at the standard input; see templates/rfs/receive.pl. Says
 * `named` at its end; ends at once, with nothing said, where it cannot be made in this way.
 * @param bytes of the version, about
 * @param program receive.pl
 */
export function receiveScript(
  dir: string,
  version: number,
  base: { version: number; imageBytes: number },
  bytes: number,
  program: string,
): string {
  return script(dir, [
    `new=.new-${version} base=${base.version}`,
    ...SIZES,
    ...DROP_OTHERS,
    'command -v perl >/dev/null || exit 0',
    `[ ! -e ${version} ] || exit 0`,
    '[ ! -e $new ] || [ -d $new ] || exit 0',
    `[ "$(size $base/root.img)" = ${base.imageBytes} ] || exit 0`,
    'rm -rf $new',
    `[ $(free) -ge ${bytes + SPARE_BYTES} ] || exit 0`,
    'mkdir -m 755 $new; chmod 755 $new',
    // Where files can share what they have in common, nothing is copied. Else not by cp: several of those at once take three times as long
    'cp --reflink=always $base/root.img $new/root.img 2>/dev/null ||',
    '  nice -n 10 dd if=$base/root.img of=$new/root.img bs=1M status=none || { rm -rf $new; exit 0; }',
    `exec nice -n 10 perl -e ${quote(program)} $new ${version} $base ${SILENCE_SECONDS}`,
  ]);
}

/**
 * Says the hash of each file as `sha256sum` does; where they are as expected, and the version is not there yet, it is from now on.
 * @param files names and hashes, in hex
 */
export function finishScript(
  dir: string,
  version: number,
  files: readonly { name: string; sha256: string }[],
): string {
  const names = files.map(({ name }) => name).join(' ');
  return script(dir, [
    `new=.new-${version}`,
    // on the disk, while the processor hashes; a disk says only once that it failed
    `if [ -e ${version} ]; then cd ${version}; else cd $new; sync * & synced=$!; fi`,
    // coreutils' own is several times slower where it is built without a library for it
    `if command -v openssl >/dev/null; then hash="openssl dgst -r -sha256"; else hash=sha256sum; fi`,
    `sums=$(nice -n 10 $hash ${names})`,
    'cd ..',
    'echo "$sums"',
    `[ ! -e ${version} ] || exit 0`,
    `[ "$(echo "$sums" | cut -c 1-64 | tr "\\n" " ")" = "${files.map(({ sha256 }) => `${sha256} `).join('')}" ] || exit 0`,
    'rm -rf $new/.base $new/.part $new/.*.img.*',
    `wait $synced; sync $new/* $new; mv -T $new ${version}; sync .`,
  ]);
}

/** Takes away what was begun. */
export function dropScript(dir: string, version: number): string {
  return script(dir, [`rm -rf .new-${version}`]);
}
