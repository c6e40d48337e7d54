import { bootstrapUrl } from '../dhcp/boot-options.ts';
import { inRange, parseCidr, parseIp } from '../net.ts';
import type { Config } from '../site/schema.ts';

/**
 * How the machine with that address reaches netboot, without a slash at the end: as DHCP told it, since aliens neither
 * resolve every name nor reach every address.
 */
export function createReach(config: Config): (ip: string) => string {
  const networks = config.networks.map((network) => {
    const url = bootstrapUrl(config, network.role === 'alien', network.gateway);
    return { range: parseCidr(network.cidr)!, base: url.replace(/\/bootstrap$/, '') };
  });
  const elsewhere = bootstrapUrl(config, false, undefined).replace(/\/bootstrap$/, '');
  const reach = (text: string): string => {
    const ip = parseIp(text.replace(/^::ffff:/, ''));
    return networks.find(({ range }) => ip !== undefined && inRange(ip, range))?.base ?? elsewhere;
  };
  const known = new Map<string, string>();
  return (text) => {
    let base = known.get(text);
    if (base === undefined) {
      base = reach(text);
      if (known.size > 10_000) known.clear();
      known.set(text, base);
    }
    return base;
  };
}
