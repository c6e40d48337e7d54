import type { Site } from '../../site/site.ts';
import { hfsdbClient } from '../clients.ts';
import type { Evacuation } from '../db/evacuate.ts';
import type { Restorable } from '../db/restorable.ts';
import type { Restore, Restored } from '../db/restore.ts';

/** A whole home is read from the repository meanwhile. */
const CALL_MS = 35 * 60_000;

/** What an operator asks hfsdb about backups. */
export interface BackupsClient {
  restorable(login: string): Promise<Restorable>;
  restore(want: Restore): Promise<Restored>;
  evacuation(hfs: number, force: boolean): Promise<Evacuation>;
}

export function backupsClient(site: Site): BackupsClient {
  const client = hfsdbClient(site, CALL_MS);
  return {
    restorable: (login) => client.call('restorable', { login }) as Promise<Restorable>,
    restore: (want) => client.call('restore', { ...want }) as Promise<Restored>,
    evacuation: (hfs, force) => client.call('evacuation', { hfs, force }) as Promise<Evacuation>,
  };
}
