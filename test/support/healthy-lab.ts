import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../../src/lib/doctor/examine.ts';
import type { Running } from '../../src/lib/lab/process.ts';
import { LAB_GATEWAY, labDraft } from '../../src/lib/lab/site.ts';
import type { ConfigDraft } from '../../src/lib/site/write-config.ts';
import { proloBin } from './cli.ts';
import { startTestLab, STEP_MS, type TestLab } from './lab.ts';
import { isNfsUp, nfsArgv, nfsConf } from './nfs.ts';

const HFS = Array.from({ length: 10 }, (_, i) => i);

/** A gateway of 140 machines with all that it has at a real site: names, DHCP, TFTP, NFS, time. */
export interface HealthyLab {
  lab: TestLab;
  /** @param folder as it is called; default: what machines boot from */
  startNfs(folder?: string): Promise<Running>;
  /** A file below it. */
  exported(path: string): string;
  /** @param aheadMs of this host's clock */
  startClock(aheadMs: number): Promise<Running>;
  /** `prolo doctor`, as on that gateway. */
  doctor(...only: string[]): Promise<{ status: number; checks: Outcome[]; ms: number }>;
  /** The same, with more than names of checks. */
  doctorWith(...flags: string[]): Promise<{ status: number; checks: Outcome[]; ms: number }>;
}

/** @param more of the site's config */
export async function startHealthyLab(more: Partial<ConfigDraft> = {}): Promise<HealthyLab> {
  const hfs = {
    up: HFS,
    url: `http://${LAB_GATEWAY}:{portN}`,
    dir: 'hfs',
    skeleton: 'skeleton',
    firewall: 'off',
  };
  const lab = await startTestLab({ ...labDraft, hfs: hfs as never, ...more });
  const work = join(lab.dir, 'nfs');
  mkdirSync(work);
  for (const n of HFS) await lab.run(['ip', 'address', 'add', `192.168.1.${n + 1}/32`, 'dev', 'br0']);
  // Ganesha looks up a path from the root: each folder on its way is one of the machine's own.
  const folder = lab.site.config.netboot.nfsPath;
  const root = join(lab.dir, 'root');
  mkdirSync(root);
  const conf = nfsConf({ ip: '0.0.0.0', folder: root, work });
  return {
    lab,
    exported: (path) => join(root, path),
    async startNfs(as = folder) {
      writeFileSync(join(work, 'ganesha.conf'), conf.replace(`Pseudo=${root}`, `Pseudo=${as}`));
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
    doctor: (...only) => doctorWith(...only.flatMap((name) => ['--only', name])),
    doctorWith,
  };

  async function doctorWith(...flags: string[]) {
    const startedMs = performance.now();
    const { exitCode, stdout, stderr } = await lab.run(
      [process.execPath, proloBin, 'doctor', '--json', ...flags],
      { env: { PROLO_CONFIG: lab.site.file }, timeoutMs: STEP_MS },
    );
    if (!stdout.startsWith('{')) throw new Error(`prolo doctor: ${stdout}${stderr}`);
    const { checks } = JSON.parse(stdout) as { checks: Outcome[] };
    return { status: exitCode, checks, ms: performance.now() - startedMs };
  }
}
