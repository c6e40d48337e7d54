import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { CpioEntry } from '../../src/lib/cpio.ts';
import { accountFiles } from '../../src/lib/lab/guest-accounts.ts';
import { buildGuestRoot } from '../../src/lib/lab/guest-root.ts';
import { type Guest, plugGuest } from '../../src/lib/lab/guest.ts';
import { kernelDir, needKernel } from '../../src/lib/lab/kernel.ts';
import type { Running } from '../../src/lib/lab/process.ts';
import { labDraft } from '../../src/lib/lab/site.ts';
import { listMachines } from '../../src/lib/mdb/machines.ts';
import type { Config } from '../../src/lib/site/schema.ts';
import { exportSite } from '../../src/lib/site/export.ts';
import { readSecrets } from '../../src/lib/site/secrets.ts';
import { databaseUrl, hfsUrl } from '../../src/lib/site/site.ts';
import { type ConfigDraft, renderConfig } from '../../src/lib/site/write-config.ts';
import { openStore } from '../../src/lib/store/store.ts';
import { listPrivateUsers, listUsers } from '../../src/lib/udb/users.ts';
import { proloBin } from './cli.ts';
import { needsLab, startTestLab, STEP_MS, type TestLab } from './lab.ts';
import { needs } from './needs.ts';

/** A session that is not heard of is over after so long here. */
export const PRESENCE_SECONDS = 6;

/** What guests are made of: seats of the lab's site, in which its users can log in. */
export interface Seats {
  /** Switches a machine of MDB on. */
  plug(hostname: string, more?: { files?: CpioEntry[]; services?: Record<string, string> }): Promise<Guest>;
  /** A user's plain password. */
  password(login: string): string;
}

/** Skips where guests with a userland of their own cannot be. */
export function needsGuests(context: Mocha.Context): void {
  needsLab(context);
  needs(context, {
    mksquashfs: 'squashfs-tools',
    'nbd-client': 'nbd-client',
    pamtester: 'pamtester',
    login: 'login',
    curl: 'curl',
    'qemu-storage-daemon': 'qemu-system-common',
    mke2fs: 'e2fsprogs',
    nft: 'nftables',
    socat: 'socat',
  });
}

/** A seat's config asks the site's name server for each service. */
const SEAT_URL = 'http://{service}:{port}';

export async function makeSeats(lab: TestLab, draft: ConfigDraft): Promise<Seats> {
  const { site } = lab;
  const store = await openStore(databaseUrl(site));
  const read = await Promise.all([
    listMachines(store.knex),
    listUsers(store.knex),
    listPrivateUsers(store.knex, site.secret('passwords.key')),
  ]).finally(() => store.close());
  const [machines, users, secrets] = read;
  const passwords = new Map(secrets.map(({ login, password }) => [login, password]));
  const root = join(lab.dir, 'guest.squashfs');
  const tree = needKernel(kernelDir());
  await buildGuestRoot(root, join(lab.dir, 'guest.root'));

  const gateway = readSecrets(join(site.dir, site.config.secrets));
  const seat = exportSite({ ...(draft as Partial<Config>), serviceUrl: SEAT_URL }, gateway, 'pc');
  const own: CpioEntry[] = [
    ...accountFiles(users),
    { path: 'etc/prolo/prolo.yml', data: renderConfig(seat.config as ConfigDraft) },
    { path: 'etc/prolo/secrets.yml', data: stringify(seat.secrets), mode: 0o600 },
  ];
  return {
    password: (login) => passwords.get(login) ?? '',
    plug(hostname, { files = [], services = {} } = {}) {
      const machine = machines.find((candidate) => candidate.hostname === hostname);
      if (!machine) throw new Error(`no machine ${hostname}`);
      return plugGuest(lab, {
        name: hostname,
        mac: machine.mac,
        tree,
        root,
        files: [...own, ...files],
        services,
      });
    },
  };
}

/** A lab with two home file servers, and presenced on each seat. */
export interface HomesLab extends TestLab, Seats {
  hfs: Running[];
  /** Starts an HFS anew, after it was killed. */
  startHfs(number: number): Promise<Running>;
}

export const homesDraft: ConfigDraft = {
  ...labDraft,
  presence: { timeoutSeconds: PRESENCE_SECONDS },
  // The names of MDB are asked of the lab's own name server, on the gateway too.
  hfs: { dir: 'hfs', skeleton: 'skeleton', runDir: 'run' },
};

/** Call it in `before`; `stop` belongs in `after`, and takes everything away. */
export async function startHomesLab(): Promise<HomesLab> {
  const lab = await startTestLab(homesDraft, { ownNames: true });
  try {
    const { site } = lab;
    const seats = await makeSeats(lab, homesDraft);
    const skeleton = join(site.dir, 'skeleton');
    mkdirSync(skeleton, { recursive: true });
    writeFileSync(join(skeleton, '.profile'), '# at home\n');
    const startHfs = async (number: number): Promise<Running> => {
      const daemon = ['daemon', `hfs@${number}`, '--config', site.file];
      const running = await lab.start(`hfs${number}`, [process.execPath, proloBin, ...daemon]);
      const ping = ['curl', '-sS', '-m', '2', `${hfsUrl(site.config, number)}/__ping`];
      await lab.until(`hfs${number}`, async () => (await lab.run(ping)).stdout === 'pong', STEP_MS);
      return running;
    };
    const hfs: Running[] = [];
    for (const number of [0, 1]) {
      const [ip] = await lab.dig(lab.network.gateway, `hfs${number}.${site.config.domain}`);
      await lab.run(['ip', 'addr', 'add', `${ip}/23`, 'dev', lab.network.bridge]);
      hfs.push(await startHfs(number));
    }
    return {
      ...lab,
      ...seats,
      plug: (hostname, more) =>
        seats.plug(hostname, { services: { presenced: 'prolo daemon presenced' }, ...more }),
      hfs,
      startHfs,
    };
  } catch (error) {
    await lab.stop();
    throw error;
  }
}
