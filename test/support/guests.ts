import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { CpioEntry } from '../../src/lib/cpio.ts';
import { accountFiles } from '../../src/lib/lab/guest-accounts.ts';
import { buildGuestRoot } from '../../src/lib/lab/guest-root.ts';
import { parseHomeName } from '../../src/lib/hfs/home-name.ts';
import { imageName } from '../../src/lib/hfs/image.ts';
import type { Home } from '../../src/lib/hfs/protocol.ts';
import { type HomeRecord, readRecords } from '../../src/lib/hfs/record.ts';
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
import { sessionFiles } from './seat-session.ts';

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
  /** hfsdb's row. */
  home(login: string): Promise<Home | undefined>;
  /** What runs for a home on that server. */
  record(hfs: number, login: string): HomeRecord | undefined;
  image(home: Pick<Home, 'hfs' | 'login' | 'epoch'>): string;
  /** Resolves when nothing serves the home there any more. */
  untilIdle(login: string, hfs: number): Promise<void>;
  /** What a new home holds. */
  skeleton: string;
}

export const homesDraft: ConfigDraft = {
  ...labDraft,
  // pamtester's process is gone before the session ends, so nobody holds it.
  presence: { timeoutSeconds: PRESENCE_SECONDS, openSeconds: 300 },
  // The names of MDB are asked of the lab's own name server, on the gateway too.
  // So slow that what happens during a move can be made to happen.
  hfs: { dir: 'hfs', skeleton: 'skeleton', runDir: 'run', moveBytesPerSecond: 300_000_000 },
};

/** Of one call of the hook: a new home may hold much here. */
const HOOK_SECONDS = 60;

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
    const db = await openStore(databaseUrl(site));
    const recordOf = (number: number, login: string): HomeRecord | undefined =>
      readRecords(site.statePath('run', `hfs${number}`)).find((record) => record.login === login);
    return {
      ...lab,
      ...seats,
      async stop() {
        await db.close();
        await lab.stop();
      },
      skeleton,
      untilIdle: (login, number) =>
        lab.until(`the end of ${login}'s storage`, () => recordOf(number, login) === undefined, STEP_MS),
      record: recordOf,
      home: async (login) => (await db.knex<Home>('homes').where(parseHomeName(login)).first()) ?? undefined,
      image: ({ hfs: number, login, epoch }) =>
        site.statePath('hfs', String(number), imageName({ login, epoch })),
      async plug(hostname, more) {
        const guest = await seats.plug(hostname, seatParts(site.config, more));
        await guest.ok(
          `for i in $(seq 300); do [ -S ${site.config.presence.socket} ] && exit; sleep 0.1; done; exit 1`,
        );
        return guest;
      },
      hfs,
      startHfs,
    };
  } catch (error) {
    await lab.stop();
    throw error;
  }
}

/** presenced, and two PAM services with the project's hook: `prolo` for pamtester, `login` for the console. */
function seatParts(
  config: Config,
  more: Parameters<Seats['plug']>[1] = {},
): NonNullable<Parameters<Seats['plug']>[1]> {
  const { socket } = config.presence;
  const uids = Object.values(config.groups).map((group) => group.uids);
  const hook = ['/usr/lib/prolo/templates/pam/prolo-pam', socket, HOOK_SECONDS, ...uids].join(' ');
  const [account, session] = ['account', 'session'].map(
    (kind) => `${kind} requisite pam_exec.so stdout quiet ${hook}\n`,
  );
  const unix = ['auth', 'account', 'session'].map((kind) => `${kind} required pam_unix.so\n`).join('');
  return {
    services: { presenced: 'prolo daemon presenced', ...more.services },
    files: [
      { path: 'etc/pam.d/prolo', data: `${account}${session}` },
      { path: 'etc/pam.d/login', data: `${unix}${account}${session}` },
      ...sessionFiles(),
      ...(more.files ?? []),
    ],
  };
}
