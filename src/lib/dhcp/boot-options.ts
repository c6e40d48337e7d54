import { ProloError } from '../errors.ts';
import { netbootUrl } from '../netboot/boot.ts';
import { parseIp } from '../net.ts';
import type { Config } from '../site/schema.ts';

/**
 * How DHCP tells iPXE that it is an alien: suboption 81 of option 175, which is the number of iPXE's own setting
 * `scriptlet` (SADM's too), so that a script reads it as `${scriptlet}`, or `${175.81:string}`. iPXE would run this setting
 * in place of a boot where it has it before it asks for an address; it never has, since only iPXE asks for option 175.
 */
export const SCRIPTLET = { code: 81, name: 'scriptlet', alien: 'alien' } as const;

/** iPXE's option space, and the suboption that saves it 3 s of waiting for a ProxyDHCP server. */
export const IPXE = { code: 175, space: 'ipxe', userClass: 'iPXE', noPxeDhcp: 176 } as const;

/** Client architectures (option 93). Firmware disagrees on which of 7 and 9 is x86-64, so both mean it. */
export const ARCH = { option: 93, bios: 0, uefi: [7, 9], uefiHttp: 16 } as const;

/** The file field of a DHCP packet, less the NUL at its end. */
const MAX_BOOT_FILE = 127;

/**
 * Where iPXE fetches the bootstrap script. Aliens resolve `netboot` and nothing else, and an address of the gateway
 * is replaced by the one that it has on their network; loopback never reaches another machine.
 * @param gateway the gateway's address on the network of those who ask
 * @throws ProloError `config` when it fits no DHCP packet
 */
export function bootstrapUrl(config: Config, alien: boolean, gateway: string | undefined): string {
  const url = new URL(`${netbootUrl(config)}/bootstrap`);
  if (gateway && !isReachable(config, url.hostname, alien)) url.hostname = gateway;
  if (url.href.length <= MAX_BOOT_FILE) return url.href;
  throw new ProloError('config', `netboot.url: ${url.href} is too long for a DHCP packet`, {
    hint: `at most ${MAX_BOOT_FILE - '/bootstrap'.length} characters`,
  });
}

function isReachable(config: Config, host: string, alien: boolean): boolean {
  const { domain, networks } = config;
  if (host === 'localhost' || host.startsWith('127.')) return false;
  if (parseIp(host) === undefined) return !alien || host === 'netboot' || host === `netboot.${domain}`;
  return !alien || !networks.some(({ role, gateway }) => role === 'machines' && gateway === host);
}
