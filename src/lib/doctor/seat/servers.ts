import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { check, type Finding, green, red, yellow } from '../check.ts';
import { gatherClocks, type Clock } from '../checks/ntp.ts';
import { getPage, whyNot } from '../http.ts';
import { askExport } from '../nfs.ts';
import { NODES, type Order, type SeatPatient } from './order.ts';

const ASK_MS = 3_000;

/** The export that it boots from, and the beginning of its image. */
export const seatNfs = check({
  name: 'nfs',
  subject: 'its root file server, and the image there',
  async gather({ order: { nfs }, signal }: SeatPatient) {
    if (!nfs) return {};
    const ask = async (path: string, read: boolean): Promise<string | undefined> => {
      try {
        return await askExport(nfs.ip, path, { timeoutMs: ASK_MS, signal, read });
      } catch (error) {
        return whyNot(error, ASK_MS);
      }
    };
    const folder = await ask(nfs.path, false);
    const image = folder === undefined && nfs.image ? await ask(nfs.image, true) : undefined;
    return { nfs, folder, image };
  },
  decide({
    nfs,
    folder,
    image,
  }: {
    nfs?: Order['nfs'];
    folder?: string | undefined;
    image?: string | undefined;
  }) {
    const fix = 'prolo rfs exports, and on that server: systemctl restart nfs-server';
    if (!nfs) return [green('it boots from no root file server')];
    if (folder !== undefined) return [red(`${nfs.server}:${nfs.path}: ${folder}`, fix)];
    if (image !== undefined)
      return [red(`${nfs.server}:${nfs.image}: ${image}`, 'prolo rfs verify --repair')];
    return [green(nfs.image ? 'the export is there, and its image is read' : 'the export is there')];
  },
});

export interface Homes {
  order: NonNullable<Order['homes']>;
  /** Why its home file server did not answer. */
  trouble?: string;
  /** Network block devices that the kernel has. */
  devices: number;
  /** Those with a server. */
  attached: string[];
}

/** Its home file server; its block devices for homes; and, where somebody is logged on, the home that is attached. */
export const seatHomes = check({
  name: 'homes',
  subject: 'its home file server, and NBD',
  async gather({ order: { homes }, sys, signal }: SeatPatient): Promise<Homes | undefined> {
    if (!homes) return undefined;
    const names = (await readdir(join(sys, 'block')).catch(() => [])).filter((name) => /^nbd\d+$/.test(name));
    const attached = await Promise.all(
      names.map(async (name) => ((await isAlive(join(sys, 'block', name, 'pid'))) ? [name] : [])),
    );
    const facts = { order: homes, devices: names.length, attached: attached.flat() };
    try {
      const { status, text } = await getPage(`${homes.url}/__ping`, { signal, timeoutMs: ASK_MS });
      return status === 200 && text.trim() === 'pong'
        ? facts
        : { ...facts, trouble: 'something else answers' };
    } catch (error) {
      return { ...facts, trouble: whyNot(error, ASK_MS) };
    }
  },
  decide: judgeHomes,
});

export function judgeHomes(facts: Homes | undefined): Finding[] {
  if (!facts) return [green('nobody has a home here')];
  const { order, trouble, devices, attached } = facts;
  const found: Finding[] = [];
  if (trouble !== undefined)
    found.push(
      red(
        `home file server ${order.server}: ${trouble}`,
        `systemctl restart prolo-hfs@${order.server.replace('hfs', '')}, on that server`,
      ),
    );
  if (devices === 0)
    found.push(
      red('no network block devices: no home can be attached', `prolo pssh ${NODES} -- modprobe nbd`),
    );
  else if (order.login !== undefined && attached.length === 0)
    found.push(
      red(
        `${order.login} is logged on, and no home is attached`,
        `prolo pssh ${NODES} -- journalctl -u prolo-presenced -n 50`,
      ),
    );
  return found.length > 0 ? found : [green('its home file server answers; it has block devices')];
}

async function isAlive(file: string): Promise<boolean> {
  const pid = (await readFile(file, 'latin1').catch(() => '')).trim();
  return (
    pid !== '' &&
    (await readFile(`/proc/${pid}/stat`).then(
      () => true,
      () => false,
    ))
  );
}

/** Tokens are good for 120 s; a home's files have times, too. */
const [YELLOW_MS, RED_MS] = [500, 5_000];

export const seatClock = check({
  name: 'ntp',
  subject: 'its clock',
  gather: ({ order, signal }: SeatPatient) => gatherClocks(order.timeServers, signal),
  decide: judgeClock,
});

export function judgeClock(clocks: readonly Clock[]): Finding[] {
  const found = clocks.flatMap(({ server, answer, trouble }): Finding[] => {
    if (!answer) return [red(`time server ${server}: ${trouble}`, 'prolo doctor --only ntp')];
    if (answer.stratum === 0 || answer.stratum >= 16)
      return [red(`time server ${server}: it has no time itself`, 'prolo doctor --only ntp')];
    const off = Math.abs(answer.offsetMs);
    if (off < YELLOW_MS) return [];
    // So that machines that were switched on together are one line.
    const about = off < RED_MS ? 'some seconds' : off < 60_000 ? 'more than 5 s' : 'more than a minute';
    const what = `its clock is ${about} ${answer.offsetMs > 0 ? 'behind' : 'ahead of'} ${server}`;
    const fix = `prolo pssh ${NODES} -- systemctl restart systemd-timesyncd`;
    return [(off < RED_MS ? yellow : red)(what, fix)];
  });
  return found.length > 0 ? found : [green('less than 0.5 s off')];
}

export const seatVersion = check({
  name: 'rfs',
  subject: 'the version of the root filesystem that it runs',
  async gather({ order: { version }, run }: SeatPatient): Promise<{ wanted?: number; runs?: string }> {
    const runs = await readFile(join(run, 'version'), 'utf8').catch(() => undefined);
    return {
      ...(version === undefined ? {} : { wanted: version }),
      ...(runs === undefined ? {} : { runs: runs.trim().slice(0, 20) }),
    };
  },
  decide({ wanted, runs }: { wanted?: number; runs?: string }): Finding[] {
    if (wanted === undefined) return [green(runs ? `it runs version ${runs}` : 'none is committed for it')];
    const fix = `prolo reboot ${NODES}`;
    if (runs === undefined) return [yellow(`it runs no version, and would boot ${wanted}`, fix)];
    if (runs !== String(wanted)) return [yellow(`it runs version ${runs}, and would boot ${wanted}`, fix)];
    return [green(`it runs version ${runs}`)];
  },
});
