import { ProloError } from '../errors.ts';
import { type GroupResolver, type NodesetContext, parseNodeset } from '../nodeset.ts';
import { MTYPES } from '../site/schema.ts';
import { aliasList, type MachineRecord } from './record.ts';

/** A group's names by its value; throws for a value that is none. */
export type Group = (value?: string) => Iterable<string>;

export interface SelectOptions {
  /** No machine at all is an error. */
  nonEmpty?: boolean;
  /** Groups beside those that MDB knows. */
  groups?: Record<string, Group>;
}

/**
 * The machines that any of the node sets names, in the order of `machines`. A name is a hostname, an alias, a MAC or an
 * address; groups are `@all @faulty @room:R @mtype:T @rfs:N @hfs:N`.
 * @throws ProloError `not-found` with the name that is no machine's, or the group that is none
 */
export function selectMachines<M extends MachineRecord>(
  expressions: readonly string[],
  machines: readonly M[],
  options: SelectOptions = {},
): M[] {
  const hostnames = new Map<string, string>();
  for (const machine of machines)
    for (const name of [machine.mac, machine.ip, ...aliasList(machine), machine.hostname])
      hostnames.set(name, machine.hostname);
  const context: NodesetContext = {
    group: createGroups({ ...machineGroups(machines), ...options.groups }),
    known: machines.flatMap((machine) => [machine.hostname, ...aliasList(machine)]),
    name(name) {
      const hostname = hostnames.get(name);
      if (hostname !== undefined) return hostname;
      throw new ProloError('not-found', `machine ${name}: not in MDB`, {
        hint: '`prolo mdb list` shows those that are',
      });
    },
  };
  const chosen = new Set(expressions.flatMap((text) => parseNodeset(text.toLowerCase(), context)));
  if (chosen.size === 0 && options.nonEmpty)
    throw new ProloError(
      'not-found',
      `node set ${JSON.stringify(expressions.join(' '))}: no machine is in it`,
    );
  return machines.filter(({ hostname }) => chosen.has(hostname));
}

/** A resolver of these groups, whose error for another one names them. */
function createGroups(groups: Record<string, Group>): GroupResolver {
  return (group, value) => {
    const find = Object.hasOwn(groups, group) ? groups[group] : undefined;
    if (find) return find(value);
    throw new ProloError('not-found', `group @${group}: unknown`, {
      hint: `groups: ${Object.keys(groups)
        .map((name) => `@${name}`)
        .join(', ')}`,
    });
  };
}

function machineGroups(machines: readonly MachineRecord[]): Record<string, Group> {
  const where = (name: string, test: (machine: MachineRecord) => boolean): Group => {
    return (value) => {
      if (value !== undefined) throw new ProloError('bad-input', `group @${name}: takes no value (${value})`);
      return machines.filter(test).map(({ hostname }) => hostname);
    };
  };
  const by = (field: 'room' | 'mtype' | 'rfs' | 'hfs', always: readonly string[] = []): [string, Group] => [
    field,
    (value) => {
      const found = machines.filter((machine) => String(machine[field]) === value);
      const values = [...new Set([...always, ...machines.map((machine) => String(machine[field]))])].sort();
      if (found.length > 0 || (value !== undefined && always.includes(value)))
        return found.map(({ hostname }) => hostname);
      throw new ProloError(
        'not-found',
        `group @${field}${value === undefined ? '' : `:${value}`}: no machine is in it`,
        {
          hint: `known: ${values.map((known) => `@${field}:${known}`).join(', ')}`,
        },
      );
    },
  ];
  return {
    all: where('all', () => true),
    faulty: where('faulty', (machine) => machine.is_faulty),
    ...Object.fromEntries([by('room'), by('mtype', MTYPES), by('rfs'), by('hfs')]),
  };
}
