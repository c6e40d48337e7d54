import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { parseHomeName } from '../../src/lib/hfs/home-name.ts';
import type { Home, ServedHome } from '../../src/lib/hfs/protocol.ts';
import { changeMachines } from '../../src/lib/mdb/machines.ts';
import { createRpcClient } from '../../src/lib/rpc/client.ts';
import { makeToken } from '../../src/lib/rpc/token.ts';
import { hfsUrl, type Site, serviceUrl } from '../../src/lib/site/site.ts';
import type { Group } from '../../src/lib/site/schema.ts';
import { changeUsers } from '../../src/lib/udb/users.ts';
import type { NbdAddress } from './nbd-client.ts';
import { startDaemonProcess, type TestProcess } from './processes.ts';
import { makeTestSite, type TestSite } from './site.ts';

/** Debian packages of what an HFS runs. */
export const homesPackages = {
  'qemu-storage-daemon': 'qemu-system-common',
  socat: 'socat',
  mke2fs: 'e2fsprogs',
};

export type DaemonName = 'presencesync' | 'hfsdb' | `hfs@${number}`;

/** A refusal, as a client of SADM's kind sees it. */
export class HttpRefusal extends Error {
  readonly status: number;
  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}

export interface HomeProcess {
  pid: number;
  program: 'storage' | 'front';
}

/** A site with presence, hfsdb and HFS 0 and 1, each a process of its own, on free ports of 127.0.0.1. */
export interface HomesSite {
  test: TestSite;
  site: Site;
  daemons: Map<DaemonName, TestProcess>;
  /** `kill -9`, if it runs. */
  kill(name: DaemonName): Promise<void>;
  /** SIGTERM, and waits for the end. */
  end(name: DaemonName): Promise<void>;
  /** Starts it, if it does not run. */
  start(name: DaemonName): Promise<void>;
  /** The nth machine of those whose nearest HFS is `hfs`. */
  seat(hfs: number, n: number): string;
  /** @throws HttpRefusal */
  login(login: string, hostname: string): Promise<void>;
  logout(login: string, hostname: string): Promise<void>;
  /** @throws HttpRefusal; Error when the server cannot be reached */
  getHfs(hfs: number, login: string): Promise<NbdAddress>;
  /** A whole login at the nth seat of an HFS, as a PC does it. */
  enter(login: string, hfs: number, n: number): Promise<NbdAddress>;
  /** By name: `u001`, or `u001@contest`. */
  row(login: string): Promise<Home | undefined>;
  image(hfs: number, login: string, epoch: number): string;
  served(hfs: number): Promise<ServedHome[]>;
  /** What serves the home on that server now. */
  processes(hfs: number, login: string): HomeProcess[];
  close(): Promise<void>;
}

export interface HomesOptions {
  /** `u001` and on. */
  users: number;
  /** Seats of each HFS. */
  seats: number;
  /** Of the homes of the group `user`. */
  sizeBytes?: number;
  /** Of the nth user; default `user`. */
  group?: (n: number) => Group;
  hfs?: Record<string, unknown>;
  config?: Record<string, unknown>;
}

export const userName = (n: number): string => `u${String(n).padStart(3, '0')}`;

export async function makeHomesSite(options: HomesOptions): Promise<HomesSite> {
  const { sizeBytes, hfs = {}, config = {} } = options;
  const test = await makeTestSite({
    networks: [{ name: 'lan', cidr: '10.0.0.0/16', role: 'machines', gateway: '10.0.255.254' }],
    pools: { user: '10.0.0.1-10.0.9.254', orga: 'user', service: '10.0.10.1-10.0.10.254', cluster: '10.0.11.1-10.0.11.254' }, // prettier-ignore
    hfs: { url: 'http://127.0.0.1:{portN}', dir: 'hfs', skeleton: 'skeleton', firewall: 'off', ...hfs },
    // Nobody here sends heartbeats.
    presence: { timeoutSeconds: 3600 },
    ...(sizeBytes === undefined ? {} : { groups: { user: { quotaBytes: sizeBytes } } }),
    ...config,
  });
  const { site } = test;
  await fill(test, options);
  const daemons = new Map<DaemonName, TestProcess>();
  const control = site.secret('hfs.control');

  const start = async (name: DaemonName): Promise<void> => {
    if (!daemons.has(name)) daemons.set(name, await startDaemonProcess(site.file, name));
  };
  const kill = async (name: DaemonName): Promise<void> => {
    await daemons.get(name)?.kill();
    daemons.delete(name);
  };
  const publish = (path: string, login: string, hostname: string): Promise<string> =>
    postForm(
      `${serviceUrl(site.config, 'presencesync')}/${path}`,
      { login, hostname },
      site.secret('presencesync.publish'),
    );

  const homes: HomesSite = {
    test,
    site,
    daemons,
    kill,
    async end(name) {
      daemons.get(name)?.child.kill('SIGTERM');
      await daemons.get(name)?.ended;
      daemons.delete(name);
    },
    start,
    seat: (number, n) => seatName(number, n),
    async login(login, hostname) {
      await publish('login', login, hostname);
    },
    async logout(login, hostname) {
      await publish('logout', login, hostname);
    },
    async getHfs(number, login) {
      const ask = { user: login, hfs: number, utype: 'user' };
      const url = `${hfsUrl(site.config, number)}/get_hfs`;
      const answer = await postForm(url, ask, site.secret('hfs.shared'));
      return {
        host: '127.0.0.1',
        ...(JSON.parse(answer) as { port: number; export: string }),
      };
    },
    async enter(login, number, n) {
      await homes.login(login, seatName(number, n));
      return homes.getHfs(number, login);
    },
    row: async (login) => (await test.store()).knex<Home>('homes').where(parseHomeName(login)).first(),
    image: (number, login, epoch) =>
      site.statePath(site.config.hfs.dir, String(number), `${login}.${epoch}.img`),
    served: async (number) =>
      (await createRpcClient(hfsUrl(site.config, number), control, 10_000).call('served')) as ServedHome[],
    processes: (number, login) =>
      findProcesses(site.statePath(site.config.hfs.runDir, `hfs${number}`, login)),
    async close() {
      await Promise.all([...daemons.keys()].map(kill));
      // A home's processes outlive its server.
      for (const { pid } of findProcesses(test.dir)) killIfThere(pid);
      await test.remove();
    },
  };
  try {
    await Promise.all((['presencesync', 'hfsdb', 'hfs@0', 'hfs@1'] as const).map(start));
  } catch (error) {
    await homes.close();
    throw error;
  }
  return homes;
}

const seatName = (hfs: number, n: number): string => `seat${hfs}-${n}`;

async function fill(test: TestSite, { users, seats, group = () => 'user' }: HomesOptions): Promise<void> {
  const store = await test.store();
  const machines = [0, 1].flatMap((hfs) =>
    Array.from({ length: seats }, (_, n) => {
      const mac = `02:00:00:00:0${hfs}:${(n + 1).toString(16).padStart(2, '0')}`;
      return { input: { hostname: seatName(hfs, n + 1), mac, mtype: 'user', rfs: hfs, hfs } };
    }),
  );
  await changeMachines(store, test.site.config, 'test', () => ({ wishes: machines }));
  const password = { hash: '$6$rounds=1000$test$test', sealed: null };
  const people = Array.from({ length: users }, (_, n) => ({
    input: { login: userName(n + 1), group: group(n + 1), password },
  }));
  await changeUsers(store, test.site.config, 'test', () => ({ wishes: people }));
}

/** A signed form, as SADM's clients send it. @throws HttpRefusal */
async function postForm(url: string, data: object, secret: string): Promise<string> {
  const text = JSON.stringify(data);
  const body = new URLSearchParams({ data: text, hmac: makeToken(secret, text, Date.now()) }).toString();
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': Buffer.byteLength(body),
  };
  const { status, answer } = await new Promise<{ status: number; answer: string }>((resolve, reject) => {
    const signal = AbortSignal.timeout(40_000);
    const sent = request(url, { method: 'POST', headers, agent: false, signal }, (response) => {
      let answer = '';
      response.setEncoding('utf8').on('data', (part: string) => (answer += part));
      response.once('end', () => resolve({ status: response.statusCode ?? 0, answer }));
      response.once('error', reject);
    });
    sent.once('error', reject).end(body);
  });
  if (status !== 200) throw new HttpRefusal(status, answer);
  return answer;
}

/** Processes of homes whose arguments name a file below that folder. */
function findProcesses(dir: string): HomeProcess[] {
  const found: HomeProcess[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const argv = readText(join('/proc', entry, 'cmdline')).split('\0');
    if (!argv.some((arg) => arg.includes(`${dir}/`))) continue;
    if (argv[0]?.endsWith('qemu-storage-daemon')) found.push({ pid: Number(entry), program: 'storage' });
    else if (argv[0]?.endsWith('socat')) found.push({ pid: Number(entry), program: 'front' });
  }
  return found;
}

export function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
