import { createRpcClient } from '../../rpc/client.ts';
import { serviceUrl, type Site } from '../../site/site.ts';
import type { Evacuation } from '../db/evacuate.ts';
import type { Restorable } from '../db/restorable.ts';
import type { Restore, Restored } from '../db/restore.ts';

/** A whole home is read from the repository meanwhile. */
const CALL_MS = 35 * 60_000;

/** What an operator asks hfsdb about backups. */
export interface HfsdbClient {
  restorable(login: string): Promise<Restorable>;
  restore(want: Restore): Promise<Restored>;
  evacuation(hfs: number, force: boolean): Promise<Evacuation>;
}

export function hfsdbClient(site: Site): HfsdbClient {
  const client = createRpcClient(serviceUrl(site.config, 'hfsdb'), site.secret('hfs.control'), CALL_MS);
  return {
    restorable: (login) => client.call('restorable', { login }) as Promise<Restorable>,
    restore: (want) => client.call('restore', { ...want }) as Promise<Restored>,
    evacuation: (hfs, force) => client.call('evacuation', { hfs, force }) as Promise<Evacuation>,
  };
}
