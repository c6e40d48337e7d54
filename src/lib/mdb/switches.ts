import type { Knex } from 'knex';
import { ProloError } from '../errors.ts';
import type { Config } from '../site/schema.ts';
import { audit } from '../store/change-log.ts';
import { type Store, transact } from '../store/store.ts';
import type { SwitchRecord } from './record.ts';
import { checkLabel, checkMac, checkRoom, checkServerNumber } from './validate.ts';

/** Every switch, in order of rfs, hfs, name. */
export async function listSwitches(db: Knex): Promise<SwitchRecord[]> {
  const rows = (await db('switches').select('name', 'chassis', 'rfs', 'hfs', 'room')) as SwitchRecord[];
  // Names here, since a database's own order of texts depends on its locale.
  return rows.sort((a, b) => a.rfs - b.rfs || a.hfs - b.hfs || (a.name < b.name ? -1 : 1));
}

/** Adds a switch, or replaces the one of that chassis or that name. @throws ProloError `bad-input`, `conflict` */
export async function saveSwitch(
  store: Store,
  config: Config,
  actor: string,
  input: SwitchRecord,
): Promise<SwitchRecord> {
  const name = checkLabel('switch: name', input.name);
  const owner = `switch ${name}`;
  const record: SwitchRecord = {
    name,
    chassis: checkMac(`${owner}: chassis`, input.chassis),
    rfs: checkServerNumber(owner, 'rfs', input.rfs),
    hfs: checkServerNumber(owner, 'hfs', input.hfs),
    room: checkRoom(owner, input.room, config),
  };
  await transact(store, async (tx) => {
    const same = (await tx('switches')
      .where({ name })
      .orWhere({ chassis: record.chassis })
      .select('id', 'name', 'chassis')) as { id: number; name: string; chassis: string }[];
    if (same.length > 1)
      throw new ProloError(
        'conflict',
        `${owner}: chassis ${record.chassis} is ${same.find((s) => s.name !== name)!.name}'s`,
        {
          hint: 'remove one of the two first',
        },
      );
    if (same[0]) await tx('switches').where({ id: same[0].id }).update(record);
    else await tx('switches').insert(record);
    await audit(tx, actor, 'switch save', JSON.stringify(record));
  });
  return record;
}

/** @throws ProloError `not-found` */
export async function removeSwitch(store: Store, actor: string, name: string): Promise<void> {
  await transact(store, async (tx) => {
    const removed = await tx('switches').where({ name: name.trim().toLowerCase() }).delete();
    if (removed === 0)
      throw new ProloError('not-found', `switch ${name}: not in MDB`, {
        hint: '`prolo mdb switch list` shows those that are',
      });
    await audit(tx, actor, 'switch remove', name);
  });
}
