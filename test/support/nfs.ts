import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../../src/lib/lab/lab.ts';
import type { Running } from '../../src/lib/lab/process.ts';

export const nfsPackages = { 'ganesha.nfsd': 'nfs-ganesha' };

/** nfs-ganesha's configuration: one folder under its own name, read-only; what it keeps is in `work`. */
export function nfsConf({ ip, folder, work }: { ip: string; folder: string; work: string }): string {
  return `NFS_CORE_PARAM { Protocols=4; Bind_addr=${ip}; NFS_Port=2049; Enable_NLM=false; Enable_RQUOTA=false; Enable_UDP=false; }
NFSV4 { Graceless=true; Only_Numeric_Owners=true; RecoveryBackend=fs; RecoveryRoot=${work}; }
EXPORT_DEFAULTS { Squash=No_Root_Squash; SecType=sys; }
EXPORT { Export_Id=1; Path=${folder}; Pseudo=${folder}; Access_Type=RO; Protocols=4; Transports=TCP; FSAL { Name=VFS; } }
`;
}

/** Runs `work`/ganesha.conf. */
export function nfsArgv(work: string): string[] {
  const [log, conf, pid] = ['ganesha.log', 'ganesha.conf', 'pid'].map((name) => join(work, name)) as [
    string,
    string,
    string,
  ];
  return ['ganesha.nfsd', '-F', '-L', log, '-f', conf, '-p', pid, '-N', 'NIV_EVENT'];
}

export function isNfsUp(work: string): boolean {
  const log = join(work, 'ganesha.log');
  return existsSync(log) && /NFS SERVER INITIALIZED/.test(readFileSync(log, 'utf8'));
}

/** A real NFS server on the lab's gateway, for one folder under its own name, read-only. */
export async function startNfs(lab: Lab, folder: string): Promise<Running> {
  const work = join(lab.dir, 'nfs');
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, 'ganesha.conf'), nfsConf({ ip: lab.network.gateway, folder, work }));
  const server = await lab.start('ganesha', nfsArgv(work));
  await lab.until('ganesha.nfsd', () => isNfsUp(work), 60_000);
  return server;
}
