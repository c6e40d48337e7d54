import { join } from 'node:path';
import { ProloError } from '../errors.ts';
import { run, runOk } from '../exec.ts';
import { quote } from '../ssh/command.ts';
import { type Manifest, MANIFEST, SIGNATURE, VERSION_FILES } from './manifest.ts';

/** How a server is reached. */
export interface Remote {
  hostname: string;
  /** `user@address`, as rsync takes it. */
  at: string;
  /** ssh and its options, as an argv. */
  ssh: readonly string[];
}

const COPY_MS = 3600_000;

/**
 * Brings a version to a server: copied beside what is there, from the newest one as far as the two are alike; hashed by the server;
 * named as a version only then. What was broken off goes on where it was.
 * @param dir of versions, here and there
 * @throws ProloError `refused` when the server has other bytes than were sent; `failed` when it cannot be reached, or is full
 */
export async function bringVersion(
  remote: Remote,
  dir: string,
  manifest: Manifest,
  onStep: (what: string) => void = () => undefined,
): Promise<void> {
  const { version } = manifest;
  const unfinished = join(dir, `.new-${version}`);
  const there = await runThere(remote, prepareScript(dir, version));
  if (there.trim() !== 'whole') {
    onStep('copying');
    await runOk(rsyncArgv(remote, join(dir, String(version)), unfinished), { timeoutMs: COPY_MS });
  }
  onStep('hashing');
  const at = there.trim() === 'whole' ? join(dir, String(version)) : unfinished;
  const damaged = wrongHashes(
    manifest,
    await runThere(remote, `cd ${quote(at)} && sha256sum ${VERSION_FILES.join(' ')}`),
  );
  if (damaged.length > 0)
    throw new ProloError(
      'refused',
      `version ${version} on ${remote.hostname}: ${damaged.join(', ')} came with other bytes`,
      {
        hint: 'is its disk, its memory or the network bad? nothing boots it there',
      },
    );
  if (at === unfinished)
    await runThere(
      remote,
      `sync -f ${quote(unfinished)} && mv -T ${quote(unfinished)} ${quote(join(dir, String(version)))} && sync -f ${quote(dir)}`,
    );
}

/** Says `whole` where the version is there already; else makes the place for it, with the newest one's image to start from. */
export function prepareScript(dir: string, version: number): string {
  const [folder, unfinished] = [join(dir, String(version)), join(dir, `.new-${version}`)].map(quote) as [
    string,
    string,
  ];
  return [
    'set -e',
    `if [ -e ${folder} ]; then echo whole; exit; fi`,
    `mkdir -p ${unfinished}`,
    `newest=$(ls ${quote(dir)} | grep -x '[0-9]*' | sort -n | tail -n 1)`,
    `if [ -n "$newest" ] && [ ! -e ${unfinished}/root.img ]; then cp --reflink=auto ${quote(dir)}/"$newest"/root.img ${unfinished}/root.img.tmp; mv ${unfinished}/root.img.tmp ${unfinished}/root.img; fi`,
    'echo ready',
  ].join('\n');
}

/** In place: what came of a file that was broken off, or is the same in the version before, is not sent again. */
function rsyncArgv({ at, ssh }: Remote, from: string, to: string): string[] {
  return [
    ...['rsync', '--archive', '--inplace', '--no-whole-file', '--checksum', '--timeout=60'],
    ...['-e', ssh.map(rsyncWord).join(' ')],
    ...[...VERSION_FILES, MANIFEST, SIGNATURE].map((name) => join(from, name)),
    `${at}:${to}/`,
  ];
}

/** rsync takes its remote shell apart at blanks, outside of quotes. */
function rsyncWord(word: string): string {
  return /^[\w%+,./:=@^-]+$/.test(word) ? word : `'${word.replaceAll("'", "''")}'`;
}

/** @param sums as sha256sum prints them. @returns the files that are not what the manifest says */
export function wrongHashes(manifest: Manifest, sums: string): string[] {
  const found = new Map(
    sums.split('\n').flatMap((line) => {
      const [, sha256, name] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, sha256] as const];
    }),
  );
  return VERSION_FILES.filter((name) => found.get(name) !== manifest.files[name].sha256);
}

async function runThere({ at, ssh, hostname }: Remote, script: string): Promise<string> {
  const { exitCode, stdout, stderr } = await run([...ssh, at, script], { timeoutMs: COPY_MS });
  if (exitCode === 0) return stdout;
  const words = stderr.trim().split('\n').at(-1) || `exit status ${exitCode}`;
  throw new ProloError(exitCode === 255 ? 'unavailable' : 'failed', `server ${hostname}: ${words}`);
}
