import type { NetworkInterfaceInfo } from 'node:os';
import { changeMachines, matchMachine } from '../mdb/machines.ts';
import type { MachineInput } from '../mdb/plan.ts';
import { aliasList, type Machine } from '../mdb/record.ts';
import type { Config } from '../site/schema.ts';
import type { Store } from '../store/store.ts';
import { SERVER_ROLES } from './roles.ts';

/** A server as MDB should know it. */
export interface Registration {
  hostname: string;
  aliases: string[];
  mac?: string;
  ip?: string;
}

/**
 * A server of a role; its aliases are those that its role has.
 * @param nics of the host, where it is this one
 * @param mac where the caller knows it
 */
export function registrationOf(
  config: Pick<Config, 'networks'>,
  role: string,
  hostname: string,
  nics: NodeJS.Dict<NetworkInterfaceInfo[]>,
  mac?: string,
): Registration {
  const network = config.networks.find((one) => one.role === 'machines' && one.gateway !== undefined);
  const ip = role === 'gw' ? network?.gateway : undefined;
  const addresses = Object.entries(nics).flatMap(([name, all = []]) => all.map((one) => ({ ...one, name })));
  const own =
    addresses.find(({ address }) => address === ip) ??
    addresses.find(({ name }) => name === network?.interface) ??
    addresses.find(({ internal }) => !internal);
  const known = mac ?? own?.mac;
  return {
    hostname,
    aliases: SERVER_ROLES[role]!.aliases(hostname),
    ...(known === undefined ? {} : { mac: known }),
    ...(ip === undefined ? {} : { ip }),
  };
}

/** What MDB lacks of a server; nobody's aliases are taken away, nor its address. Undefined: nothing. */
export function planRegistration(
  current: readonly Machine[],
  { hostname, aliases, mac, ip }: Registration,
): MachineInput | undefined {
  const found = matchMachine(current, { hostname });
  if (!found) return { hostname, aliases, mtype: 'service', ...(mac ? { mac } : {}), ...(ip ? { ip } : {}) };
  const now = aliasList(found.machine);
  const missing = aliases.filter((alias) => !now.includes(alias) && alias !== hostname);
  return missing.length > 0 ? { hostname, aliases: [...now, ...missing] } : undefined;
}

/** The command that does it on the gateway. */
export function registrationCommand({ hostname, aliases, mac, ip }: Registration): string {
  return [
    `prolo mdb add --update --hostname ${hostname} --mac ${mac ?? 'MAC'}`,
    ...(ip ? [`--ip ${ip}`] : []),
    '--mtype service',
    ...(aliases.length > 0 ? [`--aliases ${aliases.join(',')}`] : []),
  ].join(' ');
}

/**
 * Brings MDB to know a server.
 * @returns what was, or would be, changed
 * @throws ProloError as `changeMachines`: a name or an address that is another's
 */
export async function register(
  store: Store,
  config: Config,
  actor: string,
  wanted: Registration,
  dryRun: boolean,
): Promise<MachineInput | undefined> {
  let input: MachineInput | undefined;
  await changeMachines(
    store,
    config,
    actor,
    (current) => {
      input = planRegistration(current, wanted);
      return { wishes: input ? [{ input, ...matchMachine(current, { hostname: wanted.hostname }) }] : [] };
    },
    dryRun,
  );
  return input;
}
