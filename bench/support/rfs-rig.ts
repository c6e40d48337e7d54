import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../src/lib/exec.ts';
import { changeMachines } from '../../src/lib/mdb/machines.ts';
import { proloBin } from '../../test/support/cli.ts';
import { makeTestSite, type TestSite } from '../../test/support/site.ts';
import { makeStar, type SshServers, type Star, startSshServers } from './rfs-net.ts';
import { benchRoot, copyRoot } from './rfs-root.ts';
import { type Grown, growTree } from './rfs-tree.ts';

/** A gateway with staging, and root file servers behind links of 1 Gbit/s. */
export interface Rig {
  dir: string;
  star: Star;
  test: TestSite;
  staging: string;
  grown: Grown;
  /** What the nth server has in place of the versions' folder, and of `peer`. */
  versions(n: number): string;
  /** A folder that each server has its own of, for what is measured against. */
  peer: string;
  /** As OpenSSH's clients reach a server. */
  ssh: readonly string[];
  /** The real command on the gateway. @throws when it fails */
  prolo(...args: string[]): Promise<string>;
  /** Any program on the gateway. @throws when it fails */
  run(...argv: string[]): Promise<string>;
  close(): Promise<void>;
}

const LONG_MS = 600_000;

export async function makeRig(servers: number, files: number, report: (text: string) => void): Promise<Rig> {
  const root = await benchRoot(report);
  const dir = mkdtempSync(join(tmpdir(), 'prolo-bench-rfs-'));
  const at = (name: string): string => join(dir, name);
  let [star, sshd, test]: [Star | undefined, SshServers | undefined, TestSite | undefined] = [
    undefined,
    undefined,
    undefined,
  ];
  const close = async (): Promise<void> => {
    await sshd?.stop();
    star?.close();
    await test?.remove();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    for (const name of ['versions', 'peer']) mkdirSync(at(name));
    const staging = copyRoot(root, at('staging'));
    const grown = growTree(staging, files);
    report(`staging has ${grown.files} files, ${(grown.bytes / 1e6).toFixed(0)} MB`);
    const net = (star = makeStar(servers));
    const versions = (n: number): string => at(`server${n}/versions`);
    sshd = await startSshServers(net, at('ssh'), (i) => ({
      [at('versions')]: versions(i + 1),
      [at('peer')]: at(`server${i + 1}/peer`),
    }));
    const made = (test = await makeTestSite({
      networks: [{ name: 'lan', cidr: '10.99.0.0/16', role: 'machines', gateway: '10.99.0.1' }],
      pools: { user: '10.99.100.1-10.99.109.254', service: '10.99.1.2-10.99.9.254', cluster: 'service' },
      ssh: { user: 'root', port: sshd.port, identity: sshd.identity },
      rfs: { staging, dir: at('versions') },
    }));
    const input = (n: number, fields: object) => ({
      input: { mac: `52:54:00:00:00:${n.toString(16).padStart(2, '0')}`, ...fields },
    });
    await changeMachines(await test.store(), test.site.config, 'bench', () => ({
      wishes: net.servers.flatMap(({ ip }, i) => [
        input(2 * i + 1, { hostname: `rhfs${i}`, mtype: 'service', ip, aliases: [`rfs${i}`] }),
        input(2 * i + 2, { hostname: `pc${i}`, mtype: 'user', rfs: i }),
      ]),
    }));
    const inGateway = async (argv: readonly string[]): Promise<string> => {
      const { exitCode, stdout, stderr } = await run(net.inside(net.gateway, argv), {
        env: { PROLO_CONFIG: made.site.file },
        timeoutMs: LONG_MS,
      });
      if (exitCode === 0) return stdout;
      throw new Error(`${argv.join(' ')}: status ${exitCode}: ${stderr.slice(-2000)}`);
    };
    return {
      dir,
      star: net,
      test: made,
      staging,
      grown,
      versions,
      peer: at('peer'),
      ssh: [
        'ssh',
        '-i',
        sshd.identity,
        '-o',
        'StrictHostKeyChecking=no',
        '-o',
        'UserKnownHostsFile=/dev/null',
        '-o',
        'LogLevel=ERROR',
      ],
      prolo: (...args) => inGateway([process.execPath, proloBin, ...args]),
      run: (...argv) => inGateway(argv),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** All that is to be written is written, so that none of it falls into what is measured next. */
export function settle(): void {
  execFileSync('sync');
}
