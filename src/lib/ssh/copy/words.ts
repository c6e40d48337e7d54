import { posix } from 'node:path';
import { ProloError } from '../../errors.ts';

/** A file or a tree, by the folder it is in and its name there; `.`: what the folder holds. */
export interface Source {
  dir: string;
  name: string;
}

/** Where copies go on a machine. */
export interface Destination {
  path: string;
  dir: string;
  name: string;
  /** It must be a folder: it was written as one, or several things go there. */
  isFolder: boolean;
}

/**
 * The words of `… [SELECTION…] -- FROM… TO`, as `cp` has them.
 * @param argv all words of the process @param words those that are no flag
 * @throws ProloError `bad-input`
 */
export function splitCopyWords(
  command: string,
  argv: readonly string[],
  words: readonly string[],
): { selection: string[]; from: string[]; to: string } {
  const at = argv.indexOf('--');
  const after = at < 0 ? [] : argv.slice(at + 1);
  const to = after.at(-1);
  if (after.length < 2 || to === undefined)
    throw new ProloError(
      'bad-input',
      `${command}: ${after.length === 0 ? 'nothing to copy' : 'copy where?'}`,
      {
        hint:
          command === 'pcp'
            ? 'both come after --: `prolo pcp @room:pasteur -- motd issue /etc/`'
            : 'both come after --: `prolo pget @room:pasteur -- /var/log/syslog logs/`',
      },
    );
  const empty = after.indexOf('');
  if (empty >= 0)
    throw new ProloError('bad-input', `${command}: word ${empty + 1} after -- is empty`, {
      hint: 'was a variable not set?',
    });
  return { selection: words.slice(0, words.length - after.length), from: after.slice(0, -1), to };
}

/** The last name of a path is what is copied; of `dir/.` and `/` it is what the folder holds. */
export function sourceOf(path: string): Source {
  const trimmed = path.replace(/\/+$/, '') || '/';
  const name = posix.basename(trimmed);
  if (trimmed === '/' || name === '.' || name === '..') return { dir: trimmed, name: '.' };
  return { dir: posix.dirname(trimmed), name };
}

/** Of a path over there, whose folder is its login's home unless it says otherwise. */
export function destinationOf(to: string, sources: readonly Source[]): Destination {
  const path = to.startsWith('/') ? to : `./${to}`; // no program over there takes it for an option
  const { dir, name } = sourceOf(path);
  return { path, dir, name, isFolder: to.endsWith('/') || name === '.' || sources.length > 1 };
}

/** @throws ProloError `bad-input` where two things would get one name */
export function refuseSameNames(names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new ProloError('bad-input', `${twice}: two of that name`, { hint: 'copy them one after the other' });
}

/** Of paths over there. @throws ProloError `bad-input` where what comes back would have no name */
export function refuseNameless(paths: readonly string[]): void {
  const nameless = paths.find((path) => sourceOf(path).name === '.');
  if (nameless === undefined) return;
  throw new ProloError('bad-input', `${nameless}: it has no name that the copy could have`, {
    hint: 'name what is in it, such as /etc',
  });
}

/** `500`, `64K`, `2G`. @throws ProloError `bad-input` */
export function parseBytes(text: string): number {
  const [, digits, unit = ''] = /^(\d{1,15})([KMGT]?)$/i.exec(text.trim()) ?? [];
  const bytes = Number(digits ?? NaN) * 1024 ** ['', 'K', 'M', 'G', 'T'].indexOf(unit.toUpperCase());
  if (bytes >= 1 && Number.isSafeInteger(bytes)) return bytes;
  throw new ProloError('bad-input', `size ${text}: not a size`, { hint: 'such as 64K, 512M or 2G' });
}
