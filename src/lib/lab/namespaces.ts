import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../exec.ts';
import { NETNS_PREFIX } from './network.ts';

/** `ip netns exec` shows what is below this folder as files of /etc. */
const NAMES = '/etc/netns';

/** Takes away what labs left whose process was killed; their programs died with it. */
export async function sweepNamespaces(): Promise<void> {
  const { stdout } = await run(['ip', 'netns', 'list']);
  for (const line of stdout.split('\n')) {
    const [name = ''] = line.split(' ');
    const pid = name.startsWith(NETNS_PREFIX) ? Number(name.slice(NETNS_PREFIX.length).split('-')[0]) : NaN;
    if (!Number.isInteger(pid) || existsSync(`/proc/${pid}`)) continue;
    await removeNamespace(name);
  }
}

/** With what still runs in it: the processes that serve homes outlive whoever started them. */
export async function removeNamespace(netns: string): Promise<void> {
  const { stdout } = await run(['ip', 'netns', 'pids', netns]);
  for (const pid of stdout.split('\n').filter(Boolean))
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // gone meanwhile
    }
  await run(['ip', 'netns', 'del', netns]);
  rmSync(join(NAMES, netns), { recursive: true, force: true });
  // The folder of all goes too, when it is empty: it is not this machine's then.
  if (existsSync(NAMES) && readdirSync(NAMES).length === 0) rmdirSync(NAMES);
}

/** Which name server is asked inside. */
export function setNames(netns: string, server: string, domain: string): void {
  mkdirSync(join(NAMES, netns), { recursive: true });
  writeFileSync(join(NAMES, netns, 'resolv.conf'), `nameserver ${server}\nsearch ${domain}\n`);
}
