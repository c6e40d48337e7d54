import type { Knex } from 'knex';
import { ProloError } from '../errors.ts';
import { audit } from '../store/change-log.ts';
import { type Store, transact } from '../store/store.ts';
import { mustBeVersion } from './table.ts';

/** A name of a version; it is kept as long as it has one. */
export interface Tag {
  name: string;
  version: number;
}

/** A letter first, so that no tag is a version's number. */
const NAME = /^[a-z][a-z0-9._-]{0,62}$/i;
const RESERVED = ['staging', 'current'];

/** By version, then by name. */
export async function listTags(db: Knex): Promise<Tag[]> {
  return (await db('rfs_tags').orderBy(['version', 'name']).select('name', 'version')) as Tag[];
}

/**
 * Names a version; a tag that names another one moves.
 * @returns the version that it named until now
 * @throws ProloError `bad-input`, `not-found`
 */
export async function addTag(
  store: Store,
  actor: string,
  { name, version }: Tag,
): Promise<number | undefined> {
  if (!NAME.test(name) || RESERVED.includes(name.toLowerCase()))
    throw new ProloError('bad-input', `tag ${name}: no name for a version`, {
      hint: `a letter, then letters, digits, dots, dashes; not ${RESERVED.join(', ')}`,
    });
  return transact(store, async (tx) => {
    await mustBeVersion(tx, version);
    const before = (await tx('rfs_tags').where({ name }).first('version')) as { version: number } | undefined;
    await tx('rfs_tags').insert({ name, version }).onConflict('name').merge({ version });
    await audit(tx, actor, 'rfs tag', `${name}: version ${version}`);
    return before?.version === version ? undefined : before?.version;
  });
}

/** @returns the version that it named @throws ProloError `not-found` */
export async function removeTag(store: Store, actor: string, name: string): Promise<number> {
  return transact(store, async (tx) => {
    const row = (await tx('rfs_tags').where({ name }).first('version')) as { version: number } | undefined;
    if (!row) throw noTag(name, await listTags(tx));
    await tx('rfs_tags').where({ name }).delete();
    await audit(tx, actor, 'rfs tag', `${name}: no more (version ${row.version})`);
    return row.version;
  });
}

/** The version that a number or a tag means. @throws ProloError `not-found` for a name that is none */
export function resolveVersion(tags: readonly Tag[], word: string): number {
  if (/^[1-9]\d{0,8}$/.test(word)) return Number(word);
  const tag = tags.find(({ name }) => name === word);
  if (tag) return tag.version;
  throw noTag(word, tags);
}

function noTag(word: string, tags: readonly Tag[]): ProloError {
  return new ProloError('not-found', `version ${word}: neither a number nor a tag`, {
    hint:
      tags.length === 0
        ? 'see `prolo rfs status`; there are no tags'
        : `tags: ${tags.map(({ name }) => name).join(', ')}`,
  });
}
