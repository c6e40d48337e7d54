import { readdirSync, readFileSync, existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { getServers } from 'node:dns';
import { isLoopback, parseIp } from '../../net.ts';
import type { Facts, Nic } from './questions.ts';

const NICS = '/sys/class/net';

/** What this machine says by itself. */
export function readFacts(hasSite: boolean): Facts {
  return {
    hostname: hostname().split('.')[0]!.toLowerCase(),
    nics: readNics(),
    nameservers: getServers().filter((one) => parseIp(one) !== undefined && !isLoopback(one)),
    hasSite,
  };
}

/** Cards, not bridges and the like; where there is none, as in a container, whatever there is beside loopback. */
function readNics(): Nic[] {
  const names = existsSync(NICS) ? readdirSync(NICS).sort() : [];
  const read = (name: string, file: string): string => {
    try {
      return readFileSync(join(NICS, name, file), 'utf8').trim();
    } catch {
      return ''; // the carrier of a NIC that is down cannot be read
    }
  };
  const all = names.filter((name) => name !== 'lo');
  const cards = all.filter((name) => existsSync(join(NICS, name, 'device')));
  return (cards.length > 0 ? cards : all).map((name) => ({
    name,
    mac: read(name, 'address'),
    hasCarrier: read(name, 'carrier') === '1',
  }));
}
