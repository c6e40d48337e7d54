import { printable } from '../../cli/table.ts';

const KEPT_BYTES = 4096;

/** The end of what each machine said on stderr. */
export interface LastWords {
  add(hostname: string, chunk: Buffer): void;
  /** What went wrong there, in its own words; undefined: it said nothing. */
  of(hostname: string): string | undefined;
}

export function createLastWords(): LastWords {
  const kept = new Map<string, Buffer>();
  return {
    add(hostname, chunk) {
      const all = Buffer.concat([kept.get(hostname) ?? Buffer.alloc(0), chunk.subarray(-KEPT_BYTES)]);
      kept.set(hostname, all.subarray(-KEPT_BYTES));
    },
    of: (hostname) => complaintOf(kept.get(hostname)?.toString('utf8') ?? ''),
  };
}

/** What a program complained of in the end, one line of it; that a disk is full comes first. */
export function complaintOf(stderr: string): string | undefined {
  const lines = stderr
    .split('\n')
    .filter(
      (line) => line.trim() !== '' && !/^tar: (Exiting with failure|Error is not recoverable)/.test(line),
    );
  const full = lines.find(isFullDisk);
  const line = full === undefined ? lines.at(-1) : `its disk is full: ${full}`;
  return line === undefined ? undefined : printable(line).slice(0, 300);
}

/** Of a file that got a part of the last block only, tar does not say why. */
export function isFullDisk(stderr: string): boolean {
  return /No space left on device|Disk quota exceeded|: Wrote only \d/.test(stderr);
}
