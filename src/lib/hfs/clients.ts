import { createRpcClient, type RpcClient } from '../rpc/client.ts';
import { hfsUrl, serviceUrl, type Site } from '../site/site.ts';

/** One home file server, as hfsdb, another server or an operator asks it. */
export function hfsClient(site: Site, hfs: number, timeoutMs: number): RpcClient {
  return createRpcClient(hfsUrl(site.config, hfs), site.secret('hfs.control'), timeoutMs);
}

/** hfsdb, as a server or an operator asks it. */
export function hfsdbClient(site: Site, timeoutMs: number): RpcClient {
  return createRpcClient(serviceUrl(site.config, 'hfsdb'), site.secret('hfs.control'), timeoutMs);
}
