/** A file of an archive. Folders that lead to it are added by themselves. */
export interface CpioEntry {
  /** Without a leading slash. */
  path: string;
  data?: Buffer | string;
  /** Makes it a symbolic link. */
  link?: string;
  /** Permission bits; default 0644. */
  mode?: number;
}

const KIND = { file: 0o100000, folder: 0o040000, link: 0o120000 };

/**
 * An archive in the `newc` format, which the kernel unpacks as an initramfs. The same entries give the same bytes: no
 * times, no owners but root.
 */
export function packCpio(entries: readonly CpioEntry[]): Buffer {
  const parts: Buffer[] = [];
  const folders = new Set<string>();
  let inode = 0;
  const add = (path: string, mode: number, data: Buffer): void => {
    const name = Buffer.from(`${path}\0`);
    const links = mode & KIND.folder ? 2 : 1;
    const numbers = [++inode, mode, 0, 0, links, 0, data.length, 0, 0, 0, 0, name.length, 0];
    const header = Buffer.from(`070701${numbers.map((n) => n.toString(16).padStart(8, '0')).join('')}`);
    parts.push(padded(Buffer.concat([header, name])), padded(data));
  };
  for (const { path, data = '', link, mode = 0o644 } of entries) {
    const steps = path.split('/');
    for (let depth = 1; depth < steps.length; depth++) {
      const folder = steps.slice(0, depth).join('/');
      if (!folders.has(folder)) add(folder, KIND.folder | 0o755, Buffer.alloc(0));
      folders.add(folder);
    }
    if (link === undefined) add(path, KIND.file | mode, Buffer.from(data as Buffer));
    else add(path, KIND.link | 0o777, Buffer.from(link));
  }
  inode = -1;
  add('TRAILER!!!', 0, Buffer.alloc(0));
  return Buffer.concat(parts);
}

function padded(bytes: Buffer): Buffer {
  return bytes.length % 4 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(4 - (bytes.length % 4))]);
}
