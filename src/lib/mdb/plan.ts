import { ProloError } from '../errors.ts';
import type { Config } from '../site/schema.ts';
import type { Update } from '../store/change-log.ts';
import { allocateIp, checkMachineIp } from './allocate.ts';
import { aliasList, type Machine, MACHINE_FIELDS, toRecord } from './record.ts';
import {
  checkIp,
  checkMachineName,
  checkMac,
  checkMtype,
  checkRoom,
  checkServerNumber,
  cleanText,
} from './validate.ts';

/** What somebody wants a machine to be. What is left out stays, or gets its default. */
export interface MachineInput {
  hostname?: string;
  mac?: string;
  ip?: string;
  aliases?: readonly string[];
  rfs?: number;
  hfs?: number;
  mtype?: string;
  room?: string;
  is_faulty?: boolean;
  is_faulty_details?: string;
}

export interface Wish {
  /** The machine to change; none: a new one. */
  machine?: Machine;
  input: MachineInput;
  /** Where it was written, `machines.csv: line 3`: errors begin with it. */
  where?: string;
}

/** A new machine has id 0 until the database gives it one. */
export interface MachinePlan {
  create: Machine[];
  update: { before: Machine; after: Machine }[];
  remove: Machine[];
}

/**
 * Decides what a set of wishes does to MDB as a whole, so that two machines may swap names, MACs or addresses.
 * @throws ProloError `bad-input`, `conflict` or `full` that names the machine; then nothing of it is done.
 */
export function planMachines(
  config: Config,
  current: readonly Machine[],
  wishes: readonly Wish[],
  remove: readonly Machine[] = [],
): MachinePlan {
  const touched = new Set([...remove.map(({ id }) => id), ...wishes.map(({ machine }) => machine?.id ?? 0)]);
  const kept = current.filter(({ id }) => !touched.has(id));
  const wanted = wishes.map(({ machine, input, where }) => ({
    before: machine,
    after: atPlace(where, () => resolve(config, machine, input)),
  }));

  const used = new Set([...kept, ...wanted.map(({ after }) => after)].map(({ ip }) => ip));
  for (const { after } of wanted)
    if (after.ip === '') {
      after.ip = allocateIp(config, after.mtype, used);
      used.add(after.ip);
    }
  refuseClashes([...kept, ...wanted.map(({ after }) => after)]);
  return {
    create: wanted.filter(({ before }) => !before).map(({ after }) => after),
    update: wanted.flatMap(({ before, after }) =>
      before && changedFields(before, after).length > 0 ? [{ before, after }] : [],
    ),
    remove: [...remove],
  };
}

/** What goes wrong inside is said with the place in front. */
function atPlace<T>(where: string | undefined, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (where === undefined || !(error instanceof ProloError)) throw error;
    const { kind, message, hint } = error;
    throw new ProloError(kind, `${where}: ${message}`, { cause: error, ...(hint ? { hint } : {}) });
  }
}

/** The fields that differ, by name. */
export function changedFields(before: Machine, after: Machine): string[] {
  return MACHINE_FIELDS.filter((field) => before[field] !== after[field]);
}

/** The feed's line for a plan that was carried out: a MAC that is gone is deleted before the others are updated. */
export function planUpdates(plan: MachinePlan): Update[] {
  const after = [...plan.update.map((pair) => pair.after), ...plan.create];
  const present = new Set(after.map(({ mac }) => mac));
  const gone = [...plan.remove, ...plan.update.map((pair) => pair.before)].filter(
    ({ mac }) => !present.has(mac),
  );
  return [
    ...gone.map((machine): Update => ({ type: 'delete', data: toRecord(machine) })),
    ...after.map((machine): Update => ({ type: 'update', data: toRecord(machine) })),
  ];
}

function resolve(config: Config, machine: Machine | undefined, input: MachineInput): Machine {
  const name = input.hostname ?? machine?.hostname;
  if (name === undefined) throw new ProloError('bad-input', 'machine: hostname is missing');
  const hostname = checkMachineName('machine: hostname', name);
  const owner = `machine ${hostname}`;
  const mac = input.mac ?? machine?.mac;
  if (mac === undefined) throw new ProloError('bad-input', `${owner}: mac is missing`);
  const given = input.ip === undefined ? undefined : checkIp(owner, input.ip);
  if (given !== undefined && given !== machine?.ip) checkMachineIp(config, owner, given);
  const faulty = input.is_faulty ?? machine?.is_faulty ?? false;
  const aliases = (input.aliases ?? aliasList(machine ?? { aliases: '' })).map((alias) =>
    checkMachineName(`${owner}: alias`, alias),
  );
  return {
    id: machine?.id ?? 0,
    hostname,
    aliases: [...new Set(aliases)].join(','),
    ip: given ?? machine?.ip ?? '',
    mac: checkMac(owner, mac),
    rfs: checkServerNumber(owner, 'rfs', input.rfs ?? machine?.rfs ?? 0),
    hfs: checkServerNumber(owner, 'hfs', input.hfs ?? machine?.hfs ?? 0),
    mtype: checkMtype(owner, input.mtype ?? machine?.mtype ?? 'user'),
    room: checkRoom(owner, input.room ?? machine?.room ?? Object.keys(config.rooms)[0]!, config),
    is_faulty: faulty,
    is_faulty_details: faulty ? cleanText(input.is_faulty_details ?? machine?.is_faulty_details ?? '') : '',
    boot_once: machine?.boot_once ?? null,
  };
}

function refuseClashes(machines: readonly Machine[]): void {
  const owners = new Map<string, Machine>();
  const claim = (what: string, value: string, machine: Machine): void => {
    const other = owners.get(`${what} ${value}`);
    if (other)
      throw new ProloError(
        'conflict',
        `machine ${machine.hostname}: ${what} ${value} is ${other.hostname === machine.hostname ? 'in use' : `${other.hostname}'s`}`,
        {
          hint: other.id
            ? `see it with \`prolo mdb show ${other.hostname}\``
            : `${other.hostname} is new, too: they are in one file`,
        },
      );
    owners.set(`${what} ${value}`, machine);
  };
  for (const machine of machines) {
    for (const name of [machine.hostname, ...aliasList(machine)]) claim('name', name, machine);
    claim('mac', machine.mac, machine);
    claim('ip', machine.ip, machine);
  }
}
