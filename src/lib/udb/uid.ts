import { ProloError } from '../errors.ts';
import type { Config, Group } from '../site/schema.ts';
import { isSystemUid, type SystemAccounts } from './system-accounts.ts';

/** A group's UIDs, both ends included. */
export function uidRange(config: Config, group: Group): { first: number; last: number } {
  const [first = 0, last = 0] = config.groups[group].uids.split('-').map(Number);
  return { first, last };
}

/** The first UID of the group's range that neither a user nor the system has. @throws ProloError `full` */
export function allocateUid(
  config: Config,
  group: Group,
  used: ReadonlySet<number>,
  system: SystemAccounts,
): number {
  const { first, last } = uidRange(config, group);
  for (let uid = first; uid <= last; uid++) if (!used.has(uid) && !isSystemUid(uid, system)) return uid;
  throw new ProloError('full', `group ${group}: no UID of ${first}-${last} is free`, {
    hint: `remove users who are gone, or widen groups.${group}.uids in prolo.yml`,
  });
}

/** @throws ProloError `bad-input` unless a user of that group may be given this UID. */
export function checkUid(
  config: Config,
  owner: string,
  group: Group,
  uid: number,
  system: SystemAccounts,
): void {
  const { first, last } = uidRange(config, group);
  if (!Number.isInteger(uid) || uid < first || uid > last)
    throw new ProloError(
      'bad-input',
      `${owner}: uid ${uid} is not one of group ${group} (${first}-${last})`,
      {
        hint: 'leave it out, and the first free one is taken',
      },
    );
  if (isSystemUid(uid, system))
    throw new ProloError('bad-input', `${owner}: uid ${uid} is reserved by the system`, {
      hint: 'leave it out, and the first free one is taken',
    });
}
