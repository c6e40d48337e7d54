import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { asProloError } from '../../errors.ts';
import { readSecrets, SECRET_NAMES } from '../../site/secrets.ts';
import { check, type Finding, green, type Patient, red, yellow } from '../check.ts';

export interface SecretFile {
  path: string;
  mode: number;
  uid: number;
}

interface Facts {
  files: SecretFile[];
  /** Who the site's files belong to. */
  uid: number;
  secretsFile: string;
  /** Why it cannot be read, where its mode is not the reason. */
  trouble?: string;
  /** Secrets that a gateway has, and this one has not. */
  missing: string[];
}

/** What nobody else may read is nobody else's to read. */
export const secrets = check({
  name: 'secrets',
  subject: 'modes and owners of secrets',
  async gather({ site }: Patient): Promise<Facts> {
    const { config, dir } = site;
    const secretsFile = resolve(dir, config.secrets);
    const sqlite = config.database?.startsWith('sqlite:')
      ? resolve(dir, config.database.slice('sqlite:'.length))
      : undefined;
    const ssh = config.ssh.identity ? [resolve(dir, config.ssh.identity)] : [];
    const paths = [
      secretsFile,
      ...(sqlite ? [sqlite, `${sqlite}-wal`] : []),
      ...ssh,
      resolve(site.statePath(), config.dns.dir, 'rndc.key'),
      ...(await sealed(dir)),
    ];
    const files = await Promise.all(
      paths.map(async (path): Promise<SecretFile[]> => {
        const found = await stat(path).catch(() => undefined);
        return found ? [{ path, mode: found.mode & 0o777, uid: found.uid }] : [];
      }),
    );
    const { uid } = await stat(site.file);
    const facts = { files: files.flat(), uid, secretsFile, missing: [] };
    if (facts.files.some(({ path, mode }) => path === secretsFile && mode & 0o077)) return facts;
    try {
      const known = readSecrets(secretsFile);
      return { ...facts, missing: config.database ? SECRET_NAMES.filter((name) => !known[name]) : [] };
    } catch (error) {
      return { ...facts, trouble: asProloError(error).message };
    }
  },
  decide({ files, uid, trouble, missing }: Facts) {
    const open = files.filter(({ mode }) => mode & 0o077);
    const others = files.filter((file) => file.uid !== 0 && file.uid !== uid);
    const found: Finding[] = [
      ...open.map(({ path, mode }) =>
        red(`${path}: mode ${mode.toString(8).padStart(4, '0')}: others may read it`, `chmod 600 ${path}`),
      ),
      ...others.map((file) =>
        yellow(
          `${file.path}: it belongs to uid ${file.uid}, the site to uid ${uid}`,
          `chown ${uid} ${file.path}`,
        ),
      ),
      ...(trouble === undefined ? [] : [red(trouble)]),
      ...(missing.length > 0
        ? [yellow(`secrets: without ${missing.join(', ')}`, 'prolo site secrets --add-missing')]
        : []),
    ];
    return found.length > 0 ? found : [green(`${files.length} files that only their owner reads`)];
  },
});

/** Password sheets and backups that somebody left beside prolo.yml. */
async function sealed(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch(() => []);
  return names
    .filter((name) => /\.prolo$|^passphrase|^passwords?\b/.test(name))
    .map((name) => join(dir, name));
}
