import type { Site } from '../site/site.ts';
import type { Store } from '../store/store.ts';
import type { MachineRecord, SwitchRecord } from './record.ts';

/** MDB as this host can read it: the database on the gateway, RPC on every other host. */
export async function readMachines(site: Site, store: () => Promise<Store>): Promise<MachineRecord[]> {
  if (site.config.database) {
    const [{ listMachines }, { toRecord }, { knex }] = await Promise.all([
      import('./machines.ts'),
      import('./record.ts'),
      store(),
    ]);
    return (await listMachines(knex)).map(toRecord);
  }
  return (await callMdb(site, 'query')) as MachineRecord[];
}

export async function readSwitches(site: Site, store: () => Promise<Store>): Promise<SwitchRecord[]> {
  if (!site.config.database) return (await callMdb(site, 'switches')) as SwitchRecord[];
  const [{ listSwitches }, { knex }] = await Promise.all([import('./switches.ts'), store()]);
  return listSwitches(knex);
}

async function callMdb(site: Site, method: string): Promise<unknown> {
  const [{ createRpcClient }, { serviceUrl }] = await Promise.all([
    import('../rpc/client.ts'),
    import('../site/site.ts'),
  ]);
  return createRpcClient(serviceUrl(site.config, 'mdb')).call(method, {});
}
