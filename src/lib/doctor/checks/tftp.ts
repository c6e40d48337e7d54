import { fetchTftp } from '../tftp.ts';
import { check, type Finding, green, NotChecked, type Patient, red } from '../check.ts';

export interface BootFile {
  server: string;
  file: string;
  firmware: 'bios' | 'uefi';
  bytes?: number;
  sha256?: string;
  head?: Buffer;
  trouble?: string;
}

/** Without a block for so long the server is as good as dead. */
const SILENT_MS = 2_500;

/** What firmware fetches before anything else runs. */
export const tftp = check({
  name: 'tftp',
  subject: 'boot files by TFTP, for BIOS and UEFI',
  gather: ({ site, signal }: Patient) => gatherBootFiles(site.config, signal),
  decide(files: BootFile[]) {
    const found = files.flatMap(judgeBootFile);
    return found.length > 0
      ? found
      : [green(files.map(({ file, server, bytes }) => `${file} from ${server}, ${bytes} bytes`).join('; '))];
  },
});

/** @param port of the TFTP server */
export function gatherBootFiles(
  { dhcp, networks }: Patient['site']['config'],
  signal: AbortSignal,
  port = 69,
): Promise<BootFile[]> {
  const gateways = networks.flatMap(({ role, gateway, dhcp: served }) =>
    role !== 'empty' && served && gateway ? [gateway] : [],
  );
  const servers = dhcp.nextServer ? [dhcp.nextServer] : gateways;
  if (servers.length === 0) throw new NotChecked('no network has a gateway, and dhcp.nextServer is not set');
  return fetchBootFiles(servers, dhcp, signal, port);
}

/** Both files, whole, from each of those servers. */
export function fetchBootFiles(
  servers: readonly string[],
  { biosFile, uefiFile }: Pick<Patient['site']['config']['dhcp'], 'biosFile' | 'uefiFile'>,
  signal: AbortSignal,
  port = 69,
): Promise<BootFile[]> {
  const wanted = [
    { file: biosFile, firmware: 'bios' as const },
    { file: uefiFile, firmware: 'uefi' as const },
  ];
  return Promise.all(
    servers.flatMap((server) =>
      wanted.map(async (one): Promise<BootFile> => {
        try {
          return {
            server,
            ...one,
            ...(await fetchTftp(server, one.file, { port, timeoutMs: SILENT_MS, signal })),
          };
        } catch (error) {
          return { server, ...one, trouble: (error as Error).message };
        }
      }),
    ),
  );
}

export function judgeBootFile({
  server,
  file,
  firmware,
  bytes = 0,
  head = Buffer.alloc(0),
  trouble,
}: BootFile): Finding[] {
  const where = `${file} from ${server}`;
  const fix = 'prolo install tftp';
  if (trouble !== undefined) return [red(`${where}: ${trouble}`, `${fix}; systemctl restart tftpd-hpa`)];
  const kind = kindOf(head);
  if (bytes < 1024) return [red(`${where}: ${bytes} bytes are no boot file`, fix)];
  if (kind === 'text') return [red(`${where}: it is a text, and no program`, fix)];
  return (kind === 'efi') === (firmware === 'uefi')
    ? []
    : [
        red(
          `${where}: ${kind === 'efi' ? 'it is a program of UEFI, and a BIOS is told to run it' : 'it is no program of UEFI'}`,
          fix,
        ),
      ];
}

/** UEFI runs what Windows would call a program. */
function kindOf(head: Buffer): 'efi' | 'text' | 'other' {
  if (
    head.every((byte) => byte >= 0x20 || [0x09, 0x0a, 0x0d].includes(byte)) &&
    !head.some((byte) => byte > 0x7e)
  )
    return 'text';
  return head.subarray(0, 2).toString('latin1') === 'MZ' ? 'efi' : 'other';
}
