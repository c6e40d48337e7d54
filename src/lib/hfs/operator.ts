import { createRpcClient, type RpcClient } from '../rpc/client.ts';
import { serviceUrl, type Site } from '../site/site.ts';

/** Longer than a check of every image of a server. */
const CALL_MS = 15 * 60_000;

/** hfsdb, as an operator asks it. */
export function operatorClient(site: Site): RpcClient {
  return createRpcClient(serviceUrl(site.config, 'hfsdb'), site.secret('hfs.control'), CALL_MS);
}
