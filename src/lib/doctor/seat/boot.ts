import { createHash } from 'node:crypto';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { check, type Finding, green, red } from '../check.ts';
import { type BootFile, fetchBootFiles, judgeBootFile } from '../checks/tftp.ts';
import { getPage } from '../http.ts';
import { type Came, fetchFile, HTTP_FILE_MS, judgeFile } from '../http-file.ts';
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

const WAY = { trouble: 'prolo doctor --only boot', status: 'prolo doctor --only boot' };

/** The kernel and the initramfs: one machine fetches them whole, all others their beginning. */
export const seatBoot = check({
  name: 'boot',
  subject: 'boot files by HTTP, and their hashes',
  gather: async ({ order, signal }: SeatPatient): Promise<(OrderedFile & Came)[]> =>
    Promise.all(
      order.boot.map((file) =>
        fetchFile(file, (url) =>
          file.whole ? getPage(url, { signal, timeoutMs: HTTP_FILE_MS }) : getHead(url, signal, HTTP_FILE_MS),
        ),
      ),
    ),
  decide(files: (OrderedFile & Came)[]): Finding[] {
    if (files.length === 0) return [green('it boots no files of ours')];
    const found = files.flatMap((file) => judgeFile(file, file.whole ? file.sha256 : file.head, WAY));
    return found.length > 0 ? found : [green('its boot files are those of the gateway')];
  },
});

/** The hash of a file's first MiB; the server may send more, which is not waited for. */
export async function getHead(
  url: string,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<{ status: number; sha256: string }> {
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
  return { status: response.statusCode!, sha256: hash.digest('hex') };
}
