import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { changeMachines } from '../../src/lib/mdb/machines.ts';
import type { MachineInput } from '../../src/lib/mdb/plan.ts';
import { proloBin } from '../../test/support/cli.ts';
import { type Named, startNamed } from '../../test/support/named.ts';
import { freePortBase, makeTestSite, type TestSite } from '../../test/support/site.ts';

/** A site as it runs: its daemons in one process of their own, a real named, and the command line beside them. */
export interface DnsSite {
  site: TestSite;
  named: Named;
  /** named's port on 127.0.0.1. */
  port: number;
  /** Runs `prolo` to its end; resolves when the process is gone. */
  prolo(...args: string[]): Promise<void>;
  stop(): Promise<void>;
}

/** A thousand PCs fit into its pool: four /24. */
const WIDE = {
  networks: [
    { name: 'lan', cidr: '10.0.0.0/21', role: 'machines', gateway: '10.0.7.254' },
    {
      name: 'alien',
      cidr: '10.0.250.0/24',
      role: 'alien',
      gateway: '10.0.250.254',
      range: '10.0.250.1-10.0.250.253',
    },
  ],
  pools: { user: '10.0.0.1-10.0.5.254', service: '10.0.6.1-10.0.6.253', cluster: '10.0.7.1-10.0.7.199' },
};

export function pcs(count: number): MachineInput[] {
  return Array.from({ length: count }, (_, i) => ({
    hostname: `pc-${i}`,
    mac: `02:00:00:00:${hex(i >> 8)}:${hex(i & 255)}`,
    aliases: i % 10 === 0 ? [`row-${i / 10}`] : [],
  }));
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/** @param machines in MDB before the daemons start, beside the gateway */
export async function startDnsSite(machines: readonly MachineInput[]): Promise<DnsSite> {
  const port = await freePortBase();
  const dns = { listen: ['127.0.0.1'], port, controlPort: port + 1 };
  const site = await makeTestSite({ ...WIDE, dns });
  const gateway = {
    hostname: 'gw',
    mac: '02:ff:00:00:00:01',
    ip: '10.0.7.254',
    mtype: 'service',
    aliases: ['ns'],
  };
  const store = await site.store();
  await changeMachines(store, site.site.config, 'bench', () => ({
    wishes: [gateway, ...machines].map((input) => ({ input })),
  }));
  const argv = [proloBin, 'daemon', 'mdbsync', 'mdbdns', '--config', site.site.file];
  const daemons = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'inherit'] });
  const gone = once(daemons, 'close');
  let named: Named | undefined;
  const stop = async (): Promise<void> => {
    daemons.kill('SIGTERM');
    await gone;
    await named?.stop();
    await site.remove();
  };
  try {
    const conf = site.site.statePath('dns', 'named.conf');
    for (let tries = 0; !existsSync(conf); tries++) {
      if (tries > 400 || daemons.exitCode !== null) throw new Error('mdbdns wrote no named.conf');
      await sleep(25);
    }
    named = await startNamed(site.site.statePath('dns'));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    site,
    named,
    port,
    stop,
    async prolo(...args) {
      const child = spawn(process.execPath, [proloBin, ...args, '--config', site.site.file], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      const [status] = (await once(child, 'exit')) as [number | null];
      if (status !== 0) throw new Error(`prolo ${args.join(' ')}: status ${status}`);
    },
  };
}
