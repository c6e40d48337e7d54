import type { Logger } from '../log.ts';
import { listMachines } from '../mdb/machines.ts';
import { aliasList, type MachineRecord } from '../mdb/record.ts';
import type { Group } from '../site/schema.ts';
import { snapshot, type Update } from '../store/change-log.ts';
import { followChanges, type Following } from '../store/follow.ts';
import type { Store } from '../store/store.ts';
import type { UserRecord } from '../udb/record.ts';
import type { Directory } from './decide.ts';

type Seat = Pick<MachineRecord, 'hostname' | 'aliases' | 'ip' | 'mtype'>;

export interface FollowedDirectory extends Directory, Following {
  /** A machine's hostname by any of its names; a name that is nobody's is itself. */
  hostnameOf(name: string): string;
  /** Whose address that is. */
  hostnameAt(ip: string): string | undefined;
}

/** MDB and UDB in memory, kept up by the change log: asking costs nothing. */
export async function followDirectory(
  store: Store,
  options: {
    pollMs: number;
    log: Logger;
    /** @param renamed machines' new names by their old ones */
    onChange(renamed: ReadonlyMap<string, string>): void;
  },
): Promise<FollowedDirectory> {
  const [mdb, udb] = [await snapshot(store, listMachines), await snapshot(store, listGroups)];
  const machines = new Map<string, Seat>(mdb.records.map((machine) => [machine.mac, machine]));
  const groups = new Map(udb.records.map(({ login, group }) => [login, group]));
  let names = namesOf(machines.values());
  let addresses = addressesOf(machines.values());
  const keepMachine = ({ type, data }: Update, renamed: Map<string, string>): void => {
    const machine = data as MachineRecord;
    const before = machines.get(machine.mac)?.hostname;
    if (type === 'update' && before !== undefined && before !== machine.hostname)
      renamed.set(before, machine.hostname);
    if (type === 'delete') machines.delete(machine.mac);
    else machines.set(machine.mac, machine);
  };
  const keepUser = ({ type, data }: Update): void => {
    const { login, group } = data as UserRecord;
    if (type === 'delete') groups.delete(login);
    else groups.set(login, group);
  };
  const { pollMs, log, onChange } = options;
  const following = [
    await followChanges(store, {
      feed: 'mdb',
      after: mdb.seq,
      pollMs,
      log,
      onChange({ updates }) {
        const renamed = new Map<string, string>();
        for (const update of updates) keepMachine(update, renamed);
        names = namesOf(machines.values());
        addresses = addressesOf(machines.values());
        onChange(renamed);
      },
    }),
    await followChanges(store, {
      feed: 'udb',
      after: udb.seq,
      pollMs,
      log,
      onChange({ updates }) {
        updates.forEach(keepUser);
        onChange(NO_NAMES);
      },
    }),
  ];
  return {
    machine: (hostname) => names.get(hostname),
    hostnameOf: (name) => names.get(name)?.hostname ?? name,
    hostnameAt: (ip) => addresses.get(ip),
    group: (login) => groups.get(login),
    async stop() {
      for (const one of following) await one.stop();
    },
  };
}

const NO_NAMES: ReadonlyMap<string, string> = new Map();

async function listGroups(
  db: Parameters<typeof listMachines>[0],
): Promise<{ login: string; group: Group }[]> {
  return (await db('users').select('login', 'group')) as { login: string; group: Group }[];
}

function namesOf(machines: Iterable<Seat>): Map<string, Seat> {
  const names = new Map<string, Seat>();
  for (const machine of machines)
    for (const name of [machine.hostname, ...aliasList(machine)]) names.set(name, machine);
  return names;
}

function addressesOf(machines: Iterable<Seat>): Map<string, string> {
  return new Map(Array.from(machines, ({ ip, hostname }) => [ip, hostname]));
}
