import type { RpcClient } from '../rpc/client.ts';
import type { Site } from '../site/site.ts';
import { hfsdbClient } from './clients.ts';

/** Longer than a check of every image of a server. */
const CALL_MS = 15 * 60_000;

/** hfsdb, as an operator asks it. */
export function operatorClient(site: Site): RpcClient {
  return hfsdbClient(site, CALL_MS);
}
