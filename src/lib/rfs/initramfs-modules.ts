import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { CpioEntry } from '../cpio.ts';
import { asProloError, ProloError } from '../errors.ts';
import { runOk } from '../exec.ts';
import type { KernelTree } from '../kernel-tree.ts';
import { inside } from './inside.ts';
import { chooseModules, PC_MODULES } from '../netboot/kernel-modules.ts';
import { noRoomToUnpack } from './space.ts';

/** Beside network cards and keyboards: what leads to the root. */
const WANTED = [
  ...PC_MODULES,
  /\/drivers\/block\/loop\.ko/,
  /\/drivers\/md\/dm-(mod|verity)\.ko/,
  /\/crypto\/sha256_(generic|ssse3)\.ko/,
  /\/arch\/x86\/crypto\/sha256-ssse3\.ko/,
  /\/fs\/(squashfs\/squashfs|erofs\/erofs|overlayfs\/overlay|nfs\/nfs|nfs\/nfsv3|nfs\/nfsv4)\.ko/,
  /\/fs\/nfs\/.*\/nfs_layout_.*\.ko/,
];
const LISTS = ['modules.dep', 'modules.alias', 'modules.softdep', 'modules.symbols', 'modules.builtin'];

/** Firmware of cards that are in switches and data centres; tens of megabytes. */
const NO_PC = /^(mellanox|netronome|liquidio|qed|cavium)\//;

/** How a file is packed, and the program (with its Debian package) that knows it. */
const PACKED: Record<string, { program: string; pkg: string }> = {
  xz: { program: 'xz', pkg: 'xz-utils' },
  zst: { program: 'zstd', pkg: 'zstd' },
};

/** A kernel's modules that a PC needs before it has its root, unpacked, and the firmware that these ask for. */
export async function moduleEntries(tree: string, { modules, version }: KernelTree): Promise<CpioEntry[]> {
  const read = (path: string): Promise<Buffer> => readFile(inside(modules, path));
  const dep = (await read('modules.dep')).toString('utf8');
  const paths = chooseModules(dep, WANTED);
  const to = `lib/modules/${version}`;
  const unpacked = await unpackAll(
    await Promise.all(paths.map(async (path) => ({ path, data: await read(path) }))),
  );
  const lists = await Promise.all(
    LISTS.map(async (name) => ({
      path: join(to, name),
      data:
        name === 'modules.dep'
          ? dep.replaceAll(/\.ko\.(gz|xz|zst)\b/g, '.ko')
          : await read(name).catch(() => Buffer.alloc(0)),
    })),
  );
  return [
    ...unpacked.map(({ path, data }) => ({ path: join(to, path), data })),
    ...lists,
    ...(await firmwareEntries(tree, new Set(unpacked.flatMap(({ data }) => firmwareOf(data))))),
  ];
}

/** What a module says that it may ask for: `firmware=` in its section `.modinfo`. */
export function firmwareOf(module: Buffer): string[] {
  const names: string[] = [];
  const mark = Buffer.from('firmware=');
  for (let at = module.indexOf(mark); at >= 0; at = module.indexOf(mark, at + 1)) {
    const name = module.subarray(at + mark.length, module.indexOf(0, at)).toString('latin1');
    if (module[at - 1] === 0 && /^[\w][\w./+-]*$/.test(name) && !name.includes('..')) names.push(name);
  }
  return names;
}

/** Those that the tree has; which a card really asks for, only the card knows. */
async function firmwareEntries(tree: string, names: ReadonlySet<string>): Promise<CpioEntry[]> {
  const readFirmware = async (path: string): Promise<Buffer> => readFile(inside(tree, path));
  const found = await Promise.all(
    [...names]
      .filter((name) => !NO_PC.test(name))
      .sort()
      .map(async (name) => {
        for (const ending of ['', '.xz', '.zst']) {
          const data = await readFirmware(`usr/lib/firmware/${name}${ending}`).catch(() =>
            readFirmware(`lib/firmware/${name}${ending}`).catch(() => undefined),
          );
          if (data) return [{ path: name + ending, data }];
        }
        return [];
      }),
  );
  return (await unpackAll(found.flat())).map(({ path, data }) => ({
    path: join('lib/firmware', path),
    data,
  }));
}

interface Packed {
  path: string;
  data: Buffer;
}

/** Not every busybox loads packed modules, nor every kernel packed firmware; and the initramfs is packed as a whole. */
async function unpackAll(files: readonly Packed[]): Promise<Packed[]> {
  return unpackIn(tmpdir(), files).catch((error: unknown) => {
    throw noRoomToUnpack(error);
  });
}

async function unpackIn(dir: string, files: readonly Packed[]): Promise<Packed[]> {
  const work = await mkdtemp(join(dir, 'prolo-unpack-'));
  try {
    for (const [ending, { program, pkg }] of Object.entries(PACKED)) {
      const packed = files.flatMap(({ path, data }, i) => (path.endsWith(`.${ending}`) ? [{ i, data }] : []));
      if (packed.length === 0) continue;
      for (const { i, data } of packed) await writeFile(join(work, `${i}.${ending}`), data);
      await runOk([program, '-d', '-q', ...packed.map(({ i }) => join(work, `${i}.${ending}`))], {
        timeoutMs: 120_000,
      }).catch((error: unknown) => {
        const { kind, message } = asProloError(error);
        if (kind !== 'unavailable') throw error;
        throw new ProloError(kind, message, {
          hint: `the tree's kernel packs its modules so: install ${pkg}`,
        });
      });
    }
    return await Promise.all(
      files.map(async ({ path, data }, i) => {
        const ending = path.slice(path.lastIndexOf('.') + 1);
        const plain = join(
          dirname(path),
          path.slice(path.lastIndexOf('/') + 1).replace(/\.(gz|xz|zst)$/, ''),
        );
        if (ending === 'gz') return { path: plain, data: gunzipSync(data) };
        return ending in PACKED
          ? { path: plain, data: await readFile(join(work, String(i))) }
          : { path, data };
      }),
    );
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
