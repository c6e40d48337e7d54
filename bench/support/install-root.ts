import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recipesFor } from '../../src/lib/install/catalogue.ts';
import { orderRecipes } from '../../src/lib/install/plan.ts';
import type { Recipe } from '../../src/lib/install/recipe.ts';
import { SERVER_ROLES } from '../../src/lib/install/roles.ts';
import { proloBin } from '../../test/support/cli.ts';
import { makeTestSite } from '../../test/support/site.ts';
import { ANSIBLE_ENV, writePlaybook } from './ansible.ts';

/** A Debian in a folder. $1: the folder; the rest is run with it as its root, and nothing stays mounted. */
const ENTER =
  'mount -t proc none "$1/proc" && mount --rbind /dev "$1/dev" && mount -t sysfs -o ro none "$1/sys" && exec chroot "$@"';
const HOSTNAME = 'gw';
const MAC = '52:54:00:00:00:01';
const SITE = 'etc/prolo';

export interface Gateway {
  recipes: readonly Recipe[];
  /** Argv that does nothing on it, since it is as it should be: by prolo, and by a playbook of the same. */
  prolo: string[];
  ansible: string[];
  remove(): Promise<void>;
}

/** A gateway in a folder, as `prolo install gw` makes it, with Ansible on it. */
export async function makeGateway(report: (text: string) => void): Promise<Gateway> {
  const dir = mkdtempSync(join(tmpdir(), 'prolo-bench-install-'));
  const root = join(dir, 'root');
  const test = await makeTestSite({ gateway: HOSTNAME });
  const remove = async (): Promise<void> => {
    await test.remove();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const host = { site: test.site, distribution: 'debian', hostname: HOSTNAME, role: 'gw' } as const;
    const recipes = orderRecipes(SERVER_ROLES.gw!.recipes(test.site.config), recipesFor(host));
    const packages = new Set(recipes.flatMap((recipe) => recipe.packages ?? []));
    report(`makes a Debian with ${packages.size} packages of recipes, and ansible-core`);
    const include = ['systemd-sysv', 'udev', 'dbus', 'python3-apt', 'ansible-core', ...packages].join(',');
    execFileSync('mmdebstrap', ['--quiet', '--variant=minbase', `--include=${include}`, 'bookworm', root], {
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: 900_000,
    });
    const words = ['install', 'gw', '--host', HOSTNAME, '--mac', MAC, '--yes'];
    const config = ['--config', test.site.file];
    execFileSync(process.execPath, [proloBin, ...words, '--root', root, ...config], {
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: 600_000,
    });
    await (await test.store()).knex.raw('pragma wal_checkpoint(truncate)');
    copyFileSync(join(test.dir, 'prolo.db'), join(root, SITE, 'prolo.db'));
    const play = writePlaybook(recipes, root, '/root/play');
    const enter = ['unshare', '--mount', 'sh', '-c', ENTER, 'sh', root];
    const prolo = [...enter, '/usr/bin/prolo', ...words];
    // What only the gateway itself can do: it is in its MDB from then on.
    execFileSync(prolo[0]!, prolo.slice(1), { stdio: ['ignore', 'ignore', 'inherit'], timeout: 100_000 });
    return {
      recipes,
      prolo,
      ansible: [...enter, 'env', ...ANSIBLE_ENV, 'ansible-playbook', '--inventory', 'localhost,', play],
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
