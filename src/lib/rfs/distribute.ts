import { join } from 'node:path';
import { ProloError } from '../errors.ts';
import { run, runWatched } from '../exec.ts';
import { type Manifest, MANIFEST, SIGNATURE, VERSION_FILES } from './manifest.ts';
import { rsyncShell } from './remote.ts';
import { BUSY, dropScript, finishScript, locked, prepareScript } from './remote-scripts.ts';
import { followRsync, type Progress } from './rsync-progress.ts';
import { full } from './space.ts';
import { parseSums } from './verify-decide.ts';

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
 * @throws ProloError `refused` when the server has other bytes than were sent; `full`; `unavailable` when it cannot be reached; `failed`
 */
export async function bringVersion(
  remote: Remote,
  dir: string,
  manifest: Manifest,
  onStep: (what: string) => void = () => undefined,
  onProgress: (progress: Progress) => void = () => undefined,
): Promise<void> {
  const { version, files } = manifest;
  const bytes = VERSION_FILES.reduce((sum, name) => sum + files[name].bytes, 0);
  const [, said, details = ''] =
    /^(whole|ready|full) ?(.*)$/m.exec(await runThere(remote, prepareScript(dir, version, bytes))) ?? [];
  if (said === 'full') {
    const [free = 0, need = 0] = details.split(' ').map(Number);
    throw full(remote.hostname, dir, need, free);
  }
  if (said === 'ready') {
    onStep('copying');
    await copy(remote, dir, version, details, onProgress);
  }
  onStep('hashing');
  const wanted = VERSION_FILES.map((name) => ({ name, sha256: files[name].sha256 }));
  const damaged = wrongHashes(manifest, await runThere(remote, finishScript(dir, version, wanted)));
  if (damaged.length === 0) return;
  throw new ProloError(
    'refused',
    `version ${version} on ${remote.hostname}: ${damaged.join(', ')} ${said === 'whole' ? 'there has' : 'came with'} other bytes`,
    {
      hint: `is its disk, its memory or the network bad? nothing boots it there; \`prolo rfs verify ${version} --repair\` brings it anew`,
    },
  );
}

async function copy(
  remote: Remote,
  dir: string,
  version: number,
  like: string,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  const { exitCode, stderr } = await runWatched(
    rsyncArgv(remote, dir, version, like),
    followRsync(onProgress),
    { timeoutMs: COPY_MS },
  );
  if (exitCode === 0) return;
  if (/no space left/i.test(stderr)) {
    await runThere(remote, dropScript(dir, version)).catch(() => undefined);
    throw new ProloError('full', `${remote.hostname}: ${dir}: no space left while version ${version} came`, {
      hint: '`prolo rfs prune` takes away versions that nobody boots',
    });
  }
  const lines = stderr.trim().split('\n');
  const words = lines.find((line) => !line.startsWith('rsync error')) || `rsync's exit status ${exitCode}`;
  // 12, 30, 35, 255: the connection; the rest is of files.
  const kind = [12, 30, 35, 255].includes(exitCode) ? 'unavailable' : 'failed';
  throw new ProloError(kind, `server ${remote.hostname}: copying version ${version}: ${words}`, {
    hint: 'what was copied stays there; it goes on from that',
  });
}

/**
 * Not in place: rsync could then use nothing of an older image that is further back in the new one, which is nearly all of it. Blocks
 * of 8 KiB: half as much is sent as with its own choice for an image.
 */
function rsyncArgv(remote: Remote, dir: string, version: number, like: string): string[] {
  const from = join(dir, String(version));
  return [
    ...['rsync', '--times', '--chmod=F644', '--ignore-times', '--partial', '--no-whole-file', '--timeout=60'],
    ...['--block-size=8192', '--info=progress2', '--outbuf=L'],
    ...(like === '' ? [] : [`--copy-dest=${join(dir, like)}`]),
    ...['--rsync-path', locked(dir, 'nice -n 10 rsync')],
    ...['-e', rsyncShell(remote)],
    ...[...VERSION_FILES, MANIFEST, SIGNATURE].map((name) => join(from, name)),
    `${remote.at}:${dir}/.new-${version}/`,
  ];
}

/** @param sums as sha256sum prints them. @returns the files that are not what the manifest says */
export function wrongHashes(manifest: Manifest, sums: string): string[] {
  const found = parseSums(sums);
  return VERSION_FILES.filter((name) => found.get(name) !== manifest.files[name].sha256);
}

async function runThere({ at, ssh, hostname }: Remote, script: string): Promise<string> {
  const { exitCode, stdout, stderr } = await run([...ssh, at, script], { timeoutMs: COPY_MS });
  if (exitCode === 0) return stdout;
  if (exitCode === BUSY)
    throw new ProloError('conflict', `server ${hostname}: another copy is on its way there`, {
      hint: 'wait for it',
    });
  const words = stderr.trim().split('\n').at(-1) || `exit status ${exitCode}`;
  if (/no space left/i.test(words)) throw new ProloError('full', `server ${hostname}: ${words}`);
  throw new ProloError(exitCode === 255 ? 'unavailable' : 'failed', `server ${hostname}: ${words}`);
}
