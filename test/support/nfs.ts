import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../../src/lib/lab/lab.ts';
import type { Running } from '../../src/lib/lab/process.ts';

export const nfsPackages = { 'ganesha.nfsd': 'nfs-ganesha' };

/** A real NFS server on the lab's gateway, for one folder under its own name, read-only. */
export async function startNfs(lab: Lab, folder: string): Promise<Running> {
  const work = join(lab.dir, 'nfs');
  mkdirSync(work, { recursive: true });
  const log = join(work, 'ganesha.log');
  writeFileSync(
    join(work, 'ganesha.conf'),
    `NFS_CORE_PARAM { Protocols=4; Bind_addr=${lab.network.gateway}; NFS_Port=2049; Enable_NLM=false; Enable_RQUOTA=false; Enable_UDP=false; }
NFSV4 { Graceless=true; Only_Numeric_Owners=true; RecoveryBackend=fs; RecoveryRoot=${work}; }
EXPORT_DEFAULTS { Squash=No_Root_Squash; SecType=sys; }
EXPORT { Export_Id=1; Path=${folder}; Pseudo=${folder}; Access_Type=RO; Protocols=4; Transports=TCP; FSAL { Name=VFS; } }
`,
  );
  const argv = [
    'ganesha.nfsd',
    '-F',
    '-L',
    log,
    '-f',
    join(work, 'ganesha.conf'),
    '-p',
    join(work, 'pid'),
    '-N',
    'NIV_EVENT',
  ];
  const server = await lab.start('ganesha', argv);
  const isUp = (): boolean => existsSync(log) && /NFS SERVER INITIALIZED/.test(readFileSync(log, 'utf8'));
  await lab.until('ganesha.nfsd', isUp, 60_000);
  return server;
}
