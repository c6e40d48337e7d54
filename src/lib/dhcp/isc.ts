import { formatIp, netmask } from '../net.ts';
import type { Config } from '../site/schema.ts';
import { renderTemplate } from '../template.ts';
import { ARCH, bootstrapUrl, IPXE, SCRIPTLET } from './boot-options.ts';
import type { DhcpPlan, Subnet } from './plan.ts';

export interface IscFiles {
  /** dhcpd.conf */
  config: string;
  /** The file that it includes: a line a machine. */
  hosts: string;
}

/** The seed's two files for ISC dhcpd. */
export function renderIsc(config: Config, plan: DhcpPlan, hostsFile: string): IscFiles {
  const { dhcp, domain } = config;
  const served = new Set(plan.wires.flatMap(({ subnets }) => subnets.flatMap(({ hosts }) => hosts)));
  return {
    config: renderTemplate('dhcp/dhcpd.conf', {
      leaseSeconds: dhcp.leaseSeconds,
      alienLeaseSeconds: dhcp.alienLeaseSeconds,
      domain: quoted(domain),
      ntpServers: dhcp.ntpServers.join(', '),
      arch: {
        option: ARCH.option,
        bios: archBytes(ARCH.bios),
        uefi: ARCH.uefi.map(archBytes),
        uefiHttp: archBytes(ARCH.uefiHttp),
      },
      ipxe: { ...IPXE, userClass: quoted(IPXE.userClass) },
      scriptlet: SCRIPTLET,
      biosFile: quoted(dhcp.biosFile),
      uefiFile: quoted(dhcp.uefiFile),
      uefiUrl: dhcp.uefiUrl && quoted(dhcp.uefiUrl),
      wires: plan.wires.map(({ name, subnets }) => ({
        name: quoted(name),
        subnets: subnets.map((subnet) => subnetData(config, subnet)),
      })),
      hostsFile: quoted(hostsFile),
    }),
    hosts: renderTemplate('dhcp/dhcpd-hosts.conf', {
      hosts: plan.hosts.map((host) => ({ ...host, fixed: served.has(host) })),
    }),
  };
}

function subnetData(config: Config, subnet: Subnet): object {
  const { name, role, gateway, range, first, prefix } = subnet;
  return {
    name,
    served: role !== 'empty',
    address: formatIp(first),
    netmask: netmask(prefix),
    gateway,
    nextServer: config.dhcp.nextServer ?? gateway,
    bootstrapUrl: quoted(bootstrapUrl(config, role === 'alien', gateway)),
    range: range && `${formatIp(range.first)} ${formatIp(range.last)}`,
  };
}

/** A number of 16 bits as dhcpd compares options: by their bytes. */
function archBytes(code: number): string {
  return code
    .toString(16)
    .padStart(4, '0')
    .replace(/(..)(..)/, '$1:$2');
}

/** A string of dhcpd.conf: quotes and backslashes escaped, anything outside printable ASCII in octal. */
function quoted(text: string): string {
  const escaped = [...Buffer.from(text)].map((byte) => {
    const char = String.fromCharCode(byte);
    if (char === '"' || char === '\\') return `\\${char}`;
    return byte >= 0x20 && byte < 0x7f ? char : `\\${byte.toString(8).padStart(3, '0')}`;
  });
  return `"${escaped.join('')}"`;
}
