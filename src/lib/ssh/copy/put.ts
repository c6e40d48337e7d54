import { createReadStream, readFileSync, type ReadStream } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../package-root.ts';
import { commandOf } from '../command.ts';
import { MAX_SECONDS } from '../max-seconds.ts';
import { createLastWords } from './last-words.ts';
import type { Archive } from './pack.ts';
import { type CopyContext, runCopy } from './run-copy.ts';
import type { Destination, Source } from './words.ts';

export interface PutOptions {
  /** Makes the folder that it goes to where there is none. */
  parents: boolean;
  /** Owners are kept, where root logs in there. */
  owners: boolean;
}

/** What a machine runs: its script, and the words for it. */
export function putCommand(
  sources: readonly Source[],
  { path, dir, name, isFolder }: Destination,
  { last }: Pick<Archive, 'last'>,
  { parents, owners }: PutOptions,
): string {
  const only = sources.length === 1 ? sources[0]!.name : '';
  const options = owners ? '--same-owner' : '--no-same-owner';
  const words = [path, dir, name, only, last, options, isFolder ? 'folder' : 'any', parents ? 'make' : ''];
  return commandOf(['sh', '-c', scriptOf('put.sh'), 'pcp', ...words]);
}

/** A script of `templates/ssh`, without what is written for readers. */
export function scriptOf(name: string): string {
  return readFileSync(join(packageRoot, 'templates/ssh', name), 'utf8').replace(/^\s*#.*\n/gm, '');
}

/** Sends the archive to all machines, each at its own pace. */
export async function putEverywhere(context: CopyContext, command: string, archive: Archive) {
  const words = createLastWords();
  const streams = new Set<ReadStream>();
  let sentBytes = 0;
  const all = archive.bytes * context.targets.length;
  const input = (): ReadStream => {
    const stream = createReadStream(archive.file);
    streams.add(stream);
    return stream.once('close', () => {
      streams.delete(stream);
      sentBytes += stream.bytesRead;
    });
  };
  return runCopy(
    context,
    { command, input },
    {
      write: (hostname, stream, chunk) => (stream === 'stderr' ? words.add(hostname, chunk) : undefined),
      async end(outcome) {
        const reason = outcome.reason ?? words.of(outcome.hostname);
        return outcome.status === 'ok' || reason === undefined ? outcome : { ...outcome, reason };
      },
      bytes: () => ({ done: [...streams].reduce((sum, stream) => sum + stream.bytesRead, sentBytes), all }),
    },
  );
}

/**
 * How long a machine may take unless the operator says: what a command may, and a second for each MB that all of them get
 * together, which any network does.
 */
export function copyMs(commandSeconds: number, bytes: number): number {
  return commandSeconds === 0 ? 0 : Math.min(commandSeconds + Math.ceil(bytes / 1e6), MAX_SECONDS) * 1000;
}
