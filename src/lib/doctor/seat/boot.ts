import { createHash } from 'node:crypto';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { check, type Finding, green, red } from '../check.ts';
import { type BootFile, fetchBootFiles, judgeBootFile } from '../checks/tftp.ts';
import { getPage, whyNot } from '../http.ts';
import { HEAD_BYTES, type Order, type OrderedFile, type SeatPatient } from './order.ts';

/** What firmware would fetch, and whether it is what the gateway itself gets. */
export const seatTftp = check({
  name: 'tftp',
  subject: 'boot files by TFTP, and their hashes',
  async gather({ order, signal }: SeatPatient) {
    const [first] = order.tftp;
    const file = (firmware: 'bios' | 'uefi'): string =>
      order.tftp.find((one) => one.firmware === firmware)!.file;
    const files = first
      ? await fetchBootFiles([first.server], { biosFile: file('bios'), uefiFile: file('uefi') }, signal)
      : [];
    return { files, order };
  },
  decide: judgeTftp,
});

export function judgeTftp({ files, order }: { files: BootFile[]; order: Pick<Order, 'tftp'> }): Finding[] {
  if (files.length === 0) return [green('its network has no TFTP server')];
  const found = files.flatMap((file) => {
    const wrong = judgeBootFile(file);
    const wanted = order.tftp.find((one) => one.file === file.file)?.sha256;
    if (wrong.length > 0 || !wanted || wanted === file.sha256) return wrong;
    return [
      red(
        `${file.file} from ${file.server}: not the file that the gateway gets`,
        'is that TFTP server ours?',
      ),
    ];
  });
  return found.length > 0 ? found : [green('both files, as the gateway gets them')];
}

interface Fetched extends OrderedFile {
  status?: number;
  got?: string;
  trouble?: string;
}

const FETCH_MS = 6_000;

/** The kernel and the initramfs: one machine fetches them whole, all others their beginning. */
export const seatBoot = check({
  name: 'boot',
  subject: 'boot files by HTTP, and their hashes',
  gather: async ({ order, signal }: SeatPatient): Promise<Fetched[]> =>
    Promise.all(order.boot.map((file) => fetchOne(file, signal))),
  decide(files: Fetched[]): Finding[] {
    if (files.length === 0) return [green('it boots no files of ours')];
    const found = files.flatMap(judge);
    return found.length > 0 ? found : [green('its boot files are those of the gateway')];
  },
});

async function fetchOne(file: OrderedFile, signal: AbortSignal): Promise<Fetched> {
  try {
    if (!file.whole) return { ...file, ...(await getHead(file.url, signal, FETCH_MS)) };
    const { status, sha256 } = await getPage(file.url, { signal, timeoutMs: FETCH_MS });
    return { ...file, status, got: sha256 };
  } catch (error) {
    return { ...file, trouble: whyNot(error, FETCH_MS) };
  }
}

function judge({ url, whole, sha256, head, status, got, trouble, version }: Fetched): Finding[] {
  const repair = version ? `prolo rfs verify ${version} --repair` : 'prolo doctor --only boot';
  if (trouble !== undefined) return [red(`${url}: ${trouble}`, 'prolo doctor --only boot')];
  if (status !== 200 && status !== 206) return [red(`${url}: status ${status}`, repair)];
  const wanted = whole ? sha256 : head;
  if (wanted === undefined || wanted === got) return [];
  return [red(`${url}: not the file that it should be: its hash is another`, repair)];
}

/** The hash of a file's first MiB; the server may send more, which is not waited for. */
export async function getHead(
  url: string,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<{ status: number; got: string }> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const request = url.startsWith('https:') ? requestHttps : requestHttp;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { range: `bytes=0-${HEAD_BYTES - 1}` };
    request(url, { agent: false, signal: limit, headers }, resolve).on('error', reject).end();
  });
  const hash = createHash('sha256');
  let left = HEAD_BYTES;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    hash.update(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0) break;
  }
  return { status: response.statusCode!, got: hash.digest('hex') };
}
