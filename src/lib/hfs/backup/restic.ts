import { resolve } from 'node:path';
import { ProloError } from '../../errors.ts';
import { run, runFed, runPiped, type RunResult } from '../../exec.ts';
import type { Site } from '../../site/site.ts';

/** A home at one moment, in the repository. */
export interface Snapshot {
  id: string;
  login: string;
  /** ISO 8601, UTC; what was flushed before its beginning is in it. */
  time: string;
  hfs: number;
  epoch: number;
  /** Of the stream that was to be stored. */
  bytes: number;
}

/** restic's repository of homes: deduplicated, encrypted, made at its first use. */
export interface Repository {
  /** Its id. @throws ProloError `unavailable`, `config` */
  ready(): Promise<string>;
  /**
   * Stores a stream; where the source fails, nothing is stored.
   * @returns the snapshot's id
   */
  save(what: Omit<Snapshot, 'id' | 'time'>, source: AsyncIterable<Buffer>): Promise<string>;
  /** Oldest first; of one login, or of all. */
  snapshots(login?: string): Promise<Snapshot[]>;
  /** @throws ProloError `refused` for one whose storing was cut short */
  extract(snapshot: Snapshot, dir: string, timeoutMs: number): Promise<void>;
  /** Forgets old snapshots, and frees what only they held. */
  forget(): Promise<void>;
}

/** The file's name in the tar of each snapshot. */
export const IMAGE_NAME = 'home.img';
const TAG = 'prolo-home';
const STORE_MS = 4 * 3600_000;

/** @throws ProloError `config` where the site has no repository, or this host no password to it */
export function openRepository(site: Site): Repository {
  const { repository } = site.config.hfs.backup;
  if (!repository)
    throw new ProloError('config', `${site.file}: hfs.backup.repository: not set`, {
      hint: 'name a place for backups that is not on an HFS, such as sftp:backup@web:/srv/homes',
    });
  // restic's argv could be read by anyone on this host; its environment only by root.
  const env = {
    RESTIC_REPOSITORY: /^[a-z][a-z0-9]*:/.test(repository) ? repository : resolve(site.dir, repository),
    RESTIC_PASSWORD: site.secret('hfs.backup'),
    RESTIC_CACHE_DIR: site.statePath('restic-cache'),
    RESTIC_PROGRESS_FPS: '0.001',
    GOMAXPROCS: '2',
  };
  const restic = (...args: string[]): string[] => ['restic', ...args];
  const once = async (timeoutMs: number, ...args: string[]): Promise<RunResult> =>
    run(restic(...args), { env, timeoutMs });

  /** A lock of a process that was killed is in the way only once. */
  async function call(timeoutMs: number, ...args: string[]): Promise<RunResult> {
    let result = await once(timeoutMs, ...args);
    if (result.exitCode !== 0 && /locked/i.test(result.stderr)) {
      await once(60_000, 'unlock');
      result = await once(timeoutMs, ...args);
    }
    if (result.exitCode !== 0) throw resticError(args[0]!, result);
    return result;
  }

  let id: Promise<string> | undefined;
  async function findOrMake(): Promise<string> {
    let result = await once(60_000, 'cat', 'config', '--no-lock');
    if (result.exitCode !== 0 && /is there a repository|does not exist|no such file/i.test(result.stderr)) {
      await once(60_000, 'init'); // another server may be first: then it is there all the same
      result = await once(60_000, 'cat', 'config', '--no-lock');
    }
    if (result.exitCode !== 0) throw resticError('cat config', result);
    return (JSON.parse(result.stdout) as { id: string }).id;
  }
  const ready = async (): Promise<string> => {
    id ??= findOrMake();
    try {
      return await id;
    } catch (error) {
      id = undefined;
      throw error;
    }
  };

  return {
    ready,
    async save({ login, hfs, epoch, bytes }, source) {
      await ready();
      const tags = [TAG, `hfs=${hfs}`, `epoch=${epoch}`, `bytes=${bytes}`].flatMap((tag) => ['--tag', tag]);
      // Where this process dies, restic must die too: a stream that just ends would look like a whole one.
      const argv = restic('backup', '--json', '--stdin', '--stdin-filename', `${login}.tar`);
      const result = await runFed(
        ['setpriv', '--pdeathsig', 'KILL', 'nice', '-n', '10', ...argv, '--host', login, ...tags],
        source,
        { env, timeoutMs: STORE_MS },
      );
      if (result.exitCode !== 0) throw resticError('backup', result);
      return readSummary(result.stdout);
    },
    async snapshots(login) {
      await ready();
      const one = login === undefined ? [] : ['--host', login];
      const { stdout } = await call(120_000, 'snapshots', '--json', '--no-lock', '--tag', TAG, ...one);
      return readSnapshots(stdout);
    },
    async extract({ id: snapshot, login, bytes }, dir, timeoutMs) {
      const path = `/${login}.tar`;
      const { stdout } = await call(60_000, 'ls', '--json', '--no-lock', snapshot, path);
      if (storedBytes(stdout, path) !== bytes)
        throw new ProloError('refused', `snapshot ${snapshot}: its storing was cut short`, {
          hint: 'take the one before',
        });
      const tar = ['tar', '-x', '-S', '--no-same-owner', '-C', dir, '-f', '-', IMAGE_NAME];
      await runPiped(restic('dump', '--no-lock', snapshot, path), tar, { env, timeoutMs });
    },
    async forget() {
      await ready();
      await once(60_000, 'unlock');
      const keep = ['--keep-within', '24h', '--keep-within-hourly', '3d', '--keep-within-daily', '30d'];
      await call(
        STORE_MS,
        'forget',
        '--tag',
        TAG,
        '--group-by',
        'host',
        '--keep-last',
        '1',
        ...keep,
        '--prune',
      );
    },
  };
}

function resticError(what: string, { exitCode, stderr, stdout }: RunResult): ProloError {
  const words = (stderr.trim() || stdout.trim()).split('\n').slice(-3).join('; ').slice(-500);
  if (/wrong password|no key found/i.test(stderr))
    return new ProloError('config', 'backups: the repository has another password than hfs.backup', {
      hint: 'see secrets.yml; each host that makes backups needs the same',
    });
  return new ProloError(
    /locked/i.test(stderr) ? 'unavailable' : 'failed',
    `restic ${what}: exit status ${exitCode}: ${words}`,
  );
}

function readSummary(stdout: string): string {
  const line = stdout.split('\n').find((one) => one.includes('"message_type":"summary"'));
  if (!line) throw new ProloError('failed', 'restic backup: it told no snapshot');
  return (JSON.parse(line) as { snapshot_id: string }).snapshot_id;
}

/** What `restic snapshots --json` prints; what are no homes of ours is passed over. */
export function readSnapshots(json: string): Snapshot[] {
  const list = (JSON.parse(json) ?? []) as {
    short_id: string;
    hostname: string;
    time: string;
    tags?: string[];
  }[];
  return list
    .flatMap(({ short_id, hostname, time, tags = [] }): Snapshot[] => {
      const tag = (name: string): number =>
        Number(tags.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1) ?? NaN);
      const [hfs, epoch, bytes] = [tag('hfs'), tag('epoch'), tag('bytes')];
      if (!Number.isInteger(hfs + epoch + bytes)) return [];
      return [{ id: short_id, login: hostname, time: new Date(time).toISOString(), hfs, epoch, bytes }];
    })
    .sort((a, b) => (a.time < b.time ? -1 : 1));
}

/** The size of a file in what `restic ls --json` prints. */
function storedBytes(lines: string, path: string): number | undefined {
  for (const line of lines.split('\n').filter(Boolean)) {
    const node = JSON.parse(line) as { path?: string; size?: number };
    if (node.path === path) return node.size;
  }
  return undefined;
}
