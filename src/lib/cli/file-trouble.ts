import { ProloError } from '../errors.ts';

/** What the system said of a file that somebody named, in words. `undefined` for anything else. */
export function fileTrouble(error: unknown): ProloError | undefined {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === 'EISDIR' && !path)
    return new ProloError('bad-input', 'a folder, where a file was expected', { cause: error });
  if (!path) return undefined;
  if (code === 'ENOENT')
    return new ProloError('not-found', `${path}: no such file or folder`, { cause: error });
  if (code === 'EISDIR')
    return new ProloError('bad-input', `${path}: a folder, not a file`, { cause: error });
  if (code === 'ENOTDIR') return new ProloError('bad-input', `${path}: not in a folder`, { cause: error });
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new ProloError('forbidden', `${path}: ${code === 'EROFS' ? 'read-only' : 'not allowed'}`, {
      hint: 'run it as the user whom the file or folder belongs to, or as root',
      cause: error,
    });
  return undefined;
}
