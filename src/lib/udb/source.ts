import type { Site } from '../site/site.ts';
import type { Store } from '../store/store.ts';
import { type PublicUser, toPublic } from './record.ts';

/** UDB as this host can read it, without passwords: the database on the gateway, RPC on every other host. */
export async function readPublicUsers(site: Site, store: () => Promise<Store>): Promise<PublicUser[]> {
  if (site.config.database) {
    const [{ listUsers }, { knex }] = await Promise.all([import('./users.ts'), store()]);
    return (await listUsers(knex)).map(toPublic);
  }
  const [{ createRpcClient }, { serviceUrl }] = await Promise.all([
    import('../rpc/client.ts'),
    import('../site/site.ts'),
  ]);
  return (await createRpcClient(serviceUrl(site.config, 'udb')).call('query', {})) as PublicUser[];
}
