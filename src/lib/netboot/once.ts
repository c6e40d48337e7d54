import { audit } from '../store/change-log.ts';
import { type Store, transact } from '../store/store.ts';

/**
 * Takes what a machine was told to boot next time only, and forgets it, in one transaction: of two requests one gets it,
 * and after a crash it is either still there or handed out. It changes no record, so no feed hears of it.
 */
export async function takeBootOnce(store: Store, mac: string): Promise<string | null> {
  return transact(store, async (tx) => {
    const row = (await tx('machines')
      .where({ mac })
      .whereNotNull('boot_once')
      .first('id', 'hostname', 'boot_once')) as
      { id: number; hostname: string; boot_once: string } | undefined;
    if (!row) return null;
    await tx('machines').where({ id: row.id }).update({ boot_once: null });
    await audit(tx, 'netboot', 'boot once', `${row.hostname}: ${row.boot_once} handed out`);
    return row.boot_once;
  });
}
