import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../../src/lib/doctor/examine.ts';
import type { Running } from '../../src/lib/lab/process.ts';
import { labDraft } from '../../src/lib/lab/site.ts';
import { proloBin } from './cli.ts';
import { startTestLab, STEP_MS, type TestLab } from './lab.ts';
import { isNfsUp, nfsArgv, nfsConf } from './nfs.ts';

const HFS = Array.from({ length: 10 }, (_, i) => i);

/** A gateway of 140 machines with all that it has at a real site: names, DHCP, TFTP, NFS, time. */
export interface HealthyLab {
  lab: TestLab;
  startNfs(): Promise<Running>;
  /** @param aheadMs of this host's clock */
  startClock(aheadMs: number): Promise<Running>;
  /** `prolo doctor`, as on that gateway. */
  doctor(...only: string[]): Promise<{ status: number; checks: Outcome[]; ms: number }>;
}

export async function startHealthyLab(): Promise<HealthyLab> {
  const hfs = {
    up: HFS,
    url: 'http://127.0.0.1:{portN}',
    dir: 'hfs',
    skeleton: 'skeleton',
    firewall: 'off',
  };
  const lab = await startTestLab({ ...labDraft, hfs: hfs as never });
  const work = join(lab.dir, 'nfs');
  mkdirSync(work);
  for (const n of HFS) await lab.run(['ip', 'address', 'add', `192.168.1.${n + 1}/32`, 'dev', 'br0']);
  // Ganesha looks up a path from the root: each folder on its way is one of the machine's own.
  const folder = lab.site.config.netboot.nfsPath;
  mkdirSync(join(lab.dir, 'root'));
  const conf = nfsConf({ ip: '0.0.0.0', folder: join(lab.dir, 'root'), work });
  writeFileSync(
    join(work, 'ganesha.conf'),
    conf.replace(`Pseudo=${join(lab.dir, 'root')}`, `Pseudo=${folder}`),
  );
  return {
    lab,
    async startNfs() {
      rmSync(join(work, 'ganesha.log'), { force: true });
      const nfs = await lab.start('ganesha', nfsArgv(work));
      await lab.until('ganesha.nfsd', () => isNfsUp(work), STEP_MS);
      return nfs;
    },
    async startClock(aheadMs) {
      const program = join(import.meta.dirname, 'time-server.ts');
      const argv = [process.execPath, '--import=tsx', program, String(aheadMs)];
      const clock = await lab.start('clock', argv);
      const listens = async () => (await lab.run(['ss', '-Hlnu', 'sport', '=', ':123'])).stdout !== '';
      await lab.until('the time server', listens, STEP_MS);
      return clock;
    },
    async doctor(...only) {
      const startedMs = performance.now();
      const flags = only.flatMap((name) => ['--only', name]);
      const { exitCode, stdout, stderr } = await lab.run(
        [process.execPath, proloBin, 'doctor', '--json', ...flags],
        { env: { PROLO_CONFIG: lab.site.file }, timeoutMs: STEP_MS },
      );
      if (!stdout.startsWith('{')) throw new Error(`prolo doctor: ${stdout}${stderr}`);
      const { checks } = JSON.parse(stdout) as { checks: Outcome[] };
      return { status: exitCode, checks, ms: performance.now() - startedMs };
    },
  };
}
