import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asProloError } from '../../errors.ts';
import { askKea } from '../../dhcp/kea-control.ts';
import { dhcpPaths } from '../../dhcp/paths.ts';
import { planDhcp } from '../../dhcp/plan.ts';
import { foldNodeset } from '../../nodeset.ts';
import { check, green, type Patient, red } from '../check.ts';

interface Facts {
  server: string;
  trouble?: string;
  hint?: string;
  /** Machines of the networks that are served. */
  machines: number;
  /** Hostnames of those that the server does not know. */
  unknown: string[];
}

/** The DHCP server runs, and knows every machine. */
export const dhcp = check({
  name: 'dhcp',
  subject: 'the DHCP server knows every machine',
  async gather({ site, mdb, proc, signal }: Patient): Promise<Facts> {
    const { config } = site;
    const plan = planDhcp(config, (await mdb()).byMac.values());
    const hosts = plan.wires.flatMap(({ subnets }) => subnets.flatMap((subnet) => subnet.hosts));
    const paths = dhcpPaths(site);
    const facts = { server: config.dhcp.server, machines: hosts.length, unknown: [] };
    try {
      const text =
        config.dhcp.server === 'kea'
          ? await keaConfig(paths.socket, signal)
          : await iscConfig(join(paths.dir, paths.names.iscHosts), proc);
      const known = new Set(text.toLowerCase().match(/\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b/g));
      return {
        ...facts,
        unknown: hosts.filter(({ mac }) => !known.has(mac)).map(({ hostname }) => hostname),
      };
    } catch (error) {
      const { message, hint } = asProloError(error);
      return { ...facts, trouble: message, ...(hint ? { hint } : {}) };
    }
  },
  decide({ server, trouble, hint, machines, unknown }: Facts) {
    const unit = server === 'kea' ? 'kea-dhcp4-server' : 'isc-dhcp-server';
    if (trouble !== undefined)
      return [red(trouble, hint ?? `systemctl restart ${unit}; journalctl -u ${unit}`)];
    if (unknown.length > 0)
      return [
        red(
          `${unknown.length} machines that ${server} does not know: ${foldNodeset(unknown)}`,
          'systemctl restart prolo-mdbdhcp; journalctl -u prolo-mdbdhcp',
        ),
      ];
    return [green(`${server} runs, with ${machines} machines`)];
  },
});

/** What Kea runs with, which is not always what its file says. */
async function keaConfig(socket: string, signal: AbortSignal): Promise<string> {
  const { result, text, arguments: config } = await askKea(socket, 'config-get', undefined, signal);
  if (result !== 0) throw new Error(`kea: ${text}`);
  return JSON.stringify(config);
}

async function iscConfig(file: string, proc: string): Promise<string> {
  const sockets = await readFile(join(proc, 'net/udp'), 'latin1');
  if (!/^\s*\d+: [0-9A-F]{8}:0043 /m.test(sockets))
    throw new Error('dhcpd: not running: nobody listens on port 67');
  return readFile(file, 'utf8');
}
