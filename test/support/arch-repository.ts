import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';

/** What a stub of a package has; its paths are below the root. */
export interface StubPackage {
  name: string;
  /** `version-release`, by default 1.0-1. */
  version?: string;
  repository?: 'core' | 'extra';
  depends?: readonly string[];
  provides?: readonly string[];
  /** Of the configuration: what a person changed there stays. */
  backup?: readonly string[];
  folders?: readonly string[];
  files?: Readonly<Record<string, StubFile>>;
  /** `.INSTALL`: bash functions such as post_install. */
  install?: string;
}
export type StubFile = { text: string; mode?: number } | { copyOf: string; mode?: number } | { link: string };

/** A mirror of packages that a packager signs whom only the test knows. */
export interface ArchRepository {
  /** For `rfs.mirror`. */
  mirror: string;
  /** A host's /etc/pacman.d, with the packager's key in its keyring. */
  hostFolder: string;
  /** What the package `archlinux-keyring` brings. */
  keyring: Record<string, StubFile>;
  /** Adds packages, or newer ones. */
  publish(packages: readonly StubPackage[]): void;
  /** Nothing answers there any more. */
  close(): Promise<void>;
}

const FOLDERS = ['core', 'extra'] as const;

export async function makeArchRepository(dir: string): Promise<ArchRepository> {
  const gnupg = join(dir, 'gpg');
  mkdirSync(gnupg, { mode: 0o700 });
  const gpg = (...args: string[]): Buffer =>
    execFileSync('gpg', ['--homedir', gnupg, '--batch', '--quiet', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  gpg(
    '--passphrase',
    '',
    '--quick-generate-key',
    'Packager <packager@example.org>',
    'ed25519',
    'sign',
    'never',
  );
  const listed = gpg('--list-keys', '--with-colons').toString();
  const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listed)![1]!;
  const publicKey = join(dir, 'packager.gpg');
  writeFileSync(publicKey, gpg('--export'));
  const hostFolder = join(dir, 'pacman.d');
  trustAs(join(hostFolder, 'gnupg'), publicKey, fingerprint);

  const entries = { core: new Map<string, [string, string]>(), extra: new Map<string, [string, string]>() };
  const folderOf = (repository: 'core' | 'extra'): string => join(dir, 'mirror', repository, 'os/x86_64');
  for (const name of FOLDERS) mkdirSync(folderOf(name), { recursive: true });
  const publish: ArchRepository['publish'] = (packages) => {
    for (const one of packages) {
      const { name, version = '1.0-1', repository = 'core' } = one;
      const file = join(folderOf(repository), `${name}-${version}-x86_64.pkg.tar.zst`);
      pack(one, file);
      gpg('--detach-sign', '--yes', '--output', `${file}.sig`, file);
      entries[repository].set(name, [`${name}-${version}`, describe(one, file)]);
    }
    for (const name of FOLDERS)
      writeDatabase(join(folderOf(name), `${name}.db`), [...entries[name].values()]);
  };
  publish([]);

  const server = createServer((request, response) => {
    readFile(join(dir, 'mirror', new URL(request.url!, 'http://x').pathname)).then(
      (data) => response.end(data),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  let isClosed = false;
  return {
    mirror: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hostFolder,
    keyring: {
      'usr/share/keyrings/archlinux.gpg': { copyOf: publicKey, mode: 0o644 },
      'usr/share/keyrings/archlinux-trusted': { text: `${fingerprint}:4:\n` },
      'usr/share/keyrings/archlinux-revoked': { text: '' },
    },
    publish,
    async close() {
      if (isClosed) return;
      isClosed = true;
      for (const home of [gnupg, join(hostFolder, 'gnupg')])
        execFileSync('gpgconf', ['--homedir', home, '--kill', 'all'], { stdio: 'ignore' });
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What `pacman-key --init` and `--populate` do on a host. */
function trustAs(keyring: string, publicKey: string, fingerprint: string): void {
  mkdirSync(dirname(keyring), { recursive: true });
  for (const args of [['--init'], ['--add', publicKey], ['--lsign-key', fingerprint]])
    execFileSync('pacman-key', ['--gpgdir', keyring, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}

function pack(one: StubPackage, file: string): void {
  const tree = mkdtempSync(join(dirname(file), 'tree-'));
  chmodSync(tree, 0o755);
  for (const path of one.folders ?? []) mkdirSync(join(tree, path), { recursive: true });
  for (const [path, wish] of Object.entries(one.files ?? {})) {
    const at = join(tree, path);
    mkdirSync(dirname(at), { recursive: true });
    if ('link' in wish) symlinkSync(wish.link, at);
    else {
      if ('copyOf' in wish) cpSync(wish.copyOf, at, { dereference: true, recursive: true });
      else writeFileSync(at, wish.text);
      chmodSync(at, wish.mode ?? ('copyOf' in wish ? 0o755 : 0o644));
    }
  }
  const lines = (name: string, values: readonly string[] = []): string[] =>
    values.map((one) => `${name} = ${one}`);
  const info = [
    ...[
      `pkgname = ${one.name}`,
      `pkgbase = ${one.name}`,
      `pkgver = ${one.version ?? '1.0-1'}`,
      'pkgdesc = a stub',
    ],
    ...['url = http://example.org', 'builddate = 1', 'packager = Packager', 'size = 1', 'arch = x86_64'],
    ...[...lines('depend', one.depends), ...lines('provides', one.provides), ...lines('backup', one.backup)],
  ];
  writeFileSync(join(tree, '.PKGINFO'), `${info.join('\n')}\n`);
  if (one.install !== undefined) writeFileSync(join(tree, '.INSTALL'), one.install);
  const names = execFileSync('ls', ['-A', tree], { encoding: 'utf8' }).trim().split('\n');
  const first = names.filter((name) => name.startsWith('.'));
  const order = [...first, ...names.filter((name) => !first.includes(name))];
  const owned = ['--owner=0', '--group=0', '--numeric-owner', '--use-compress-program=zstd -q -1'];
  execFileSync('tar', ['--create', `--file=${file}`, ...owned, `--directory=${tree}`, ...order]);
  rmSync(tree, { recursive: true });
}

/** As in a repository's database. */
function describe(one: StubPackage, file: string): string {
  const data = readFileSync(file);
  const fields: [string, readonly string[]][] = [
    ['FILENAME', [file.slice(dirname(file).length + 1)]],
    ['NAME', [one.name]],
    ['VERSION', [one.version ?? '1.0-1']],
    ['DESC', ['a stub']],
    ['CSIZE', [String(data.length)]],
    ['ISIZE', ['1']],
    ['SHA256SUM', [createHash('sha256').update(data).digest('hex')]],
    ['PGPSIG', [readFileSync(`${file}.sig`).toString('base64')]],
    ['ARCH', ['x86_64']],
    ['BUILDDATE', ['1']],
    ['PACKAGER', ['Packager']],
    ['DEPENDS', one.depends ?? []],
    ['PROVIDES', one.provides ?? []],
  ];
  return fields
    .filter(([, values]) => values.length > 0)
    .map(([name, values]) => `%${name}%\n${values.join('\n')}\n\n`)
    .join('');
}

function writeDatabase(file: string, entries: readonly (readonly [string, string])[]): void {
  const tree = mkdtempSync(join(dirname(file), 'db-'));
  for (const [name, desc] of entries) {
    mkdirSync(join(tree, name));
    writeFileSync(join(tree, name, 'desc'), desc);
  }
  execFileSync('tar', [
    '--create',
    '--gzip',
    `--file=${file}`,
    `--directory=${tree}`,
    ...entries.map(([name]) => name),
    ...(entries.length === 0 ? ['--files-from=/dev/null'] : []),
  ]);
  rmSync(tree, { recursive: true });
}
