import type { Knex } from 'knex';
import { ProloError } from '../errors.ts';
import type { Config } from '../site/schema.ts';
import { SERVICES } from '../site/site.ts';
import { change, rehearse, type Update } from '../store/change-log.ts';
import type { Store, Tx } from '../store/store.ts';
import { type MachineInput, type MachinePlan, planMachines, planUpdates, type Wish } from './plan.ts';
import { aliasList, type Machine, toRecord } from './record.ts';
import { findMachine } from './find.ts';
import { registrationIsOpen } from './settings.ts';
import { checkMac, normalizeMac } from './validate.ts';

/** Every machine, in order of hostname. */
export async function listMachines(db: Knex): Promise<Machine[]> {
  const [rows, names] = (await Promise.all([
    db('machines'),
    db('names').where('position', '>', 0).orderBy('position'),
  ])) as [
    (Omit<Machine, 'aliases' | 'is_faulty'> & { is_faulty: number | boolean })[],
    { name: string; machine_id: number }[],
  ];
  const aliases = new Map<number, string[]>();
  for (const { name, machine_id } of names) {
    const list = aliases.get(machine_id);
    if (list) list.push(name);
    else aliases.set(machine_id, [name]);
  }
  rows.sort((a, b) => (a.hostname < b.hostname ? -1 : 1)); // a database's own order depends on its locale
  return rows.map((row): Machine => ({
    id: row.id,
    hostname: row.hostname,
    aliases: aliases.get(row.id)?.join(',') ?? '',
    ip: row.ip,
    mac: row.mac,
    rfs: row.rfs,
    hfs: row.hfs,
    mtype: row.mtype,
    room: row.room,
    is_faulty: Boolean(row.is_faulty),
    is_faulty_details: row.is_faulty_details,
    boot_once: row.boot_once,
  }));
}

/** How a change of MDB decides, given what is there; called inside the transaction. */
export type Decide = (current: Machine[]) => { wishes?: Wish[]; remove?: Machine[] };

/**
 * The one way MDB changes: read, decide, write, log, in one transaction.
 * @param dryRun decide and write, then undo it all
 * @returns what was (or would be) done
 */
export async function changeMachines(
  store: Store,
  config: Config,
  actor: string,
  decide: Decide,
  dryRun = false,
): Promise<MachinePlan> {
  const work = async (tx: Tx): Promise<{ value: MachinePlan; updates: Update[] }> => {
    const current = await listMachines(tx);
    const { wishes = [], remove = [] } = decide(current);
    const plan = planMachines(config, current, wishes, remove);
    await writePlan(tx, plan);
    return { value: plan, updates: planUpdates(plan) };
  };
  return dryRun ? (await rehearse(store, work)).value : change(store, 'mdb', actor, work);
}

/** @throws ProloError `conflict` when a name, the MAC or the address is another's; `full` when the pool is. */
export async function addMachine(
  store: Store,
  config: Config,
  actor: string,
  input: MachineInput,
): Promise<Machine> {
  const plan = await changeMachines(store, config, actor, () => ({ wishes: [{ input }] }));
  return plan.create[0]!;
}

/** Changes a machine, named by hostname, alias or MAC; its identity stays. */
export async function updateMachine(
  store: Store,
  config: Config,
  actor: string,
  name: string,
  input: MachineInput,
): Promise<Machine> {
  let id = 0;
  await changeMachines(store, config, actor, (current) => {
    const machine = findMachine(current, name);
    id = machine.id;
    return { wishes: [{ machine, input }] };
  });
  return (await listMachines(store.knex)).find((machine) => machine.id === id)!;
}

export async function removeMachines(
  store: Store,
  config: Config,
  actor: string,
  names: readonly string[],
): Promise<Machine[]> {
  const plan = await changeMachines(store, config, actor, (current) => ({
    remove: [...new Set(names.map((name) => findMachine(current, name)))],
  }));
  return plan.remove;
}

/** Names that machines are reached by as servers: who could take one by registering would be believed. */
function refuseServersName(config: Config, hostname: string): void {
  const name = hostname.trim().toLowerCase();
  const taken = [config.gateway, 'ns', 'ntp', ...SERVICES].includes(name) || /^[rh]fs\d*$/.test(name);
  if (taken)
    throw new ProloError(
      'forbidden',
      `machine ${name}: a server's name is not for those who register themselves`,
      {
        hint: '`prolo mdb add` or `prolo mdb set --aliases` gives it',
      },
    );
}

/** A machine that registers itself. @throws ProloError `forbidden` unless the setting allows it, and what `addMachine` throws */
export async function registerMachine(
  store: Store,
  config: Config,
  actor: string,
  input: Required<Pick<MachineInput, 'hostname' | 'mac' | 'rfs' | 'hfs' | 'room' | 'mtype'>>,
): Promise<Machine> {
  if (!(await registrationIsOpen(store.knex, new Date())))
    throw new ProloError('forbidden', 'self registration is disabled', {
      hint: '`prolo mdb setting allow_self_registration true` allows it, but while the contest runs',
    });
  refuseServersName(config, input.hostname);
  return addMachine(store, config, actor, input);
}

/** What a publisher of mdbsync sends: `update` by hostname, else by MAC, `delete` by MAC; all or nothing. */
export async function applyMachineUpdates(
  store: Store,
  config: Config,
  actor: string,
  updates: readonly Update<object>[],
): Promise<void> {
  await changeMachines(store, config, actor, (current) => {
    const inputs = updates.map(({ type, data }) => ({ type, input: toInput(data) }));
    const updated = inputs.filter(({ type }) => type === 'update').map(({ input }) => input);
    const matched = updated.map((input): Wish => ({ input, ...matchMachine(current, input) }));
    const changed = new Set(matched.map(({ machine }) => machine?.id));
    const gone = new Set(
      inputs.filter(({ type }) => type === 'delete').map(({ input }) => checkMac('delete', input.mac ?? '')),
    );
    const remove = current.filter(({ id, mac }) => gone.has(mac) && !changed.has(id));
    return { wishes: matched, remove };
  });
}

/** The machine a record speaks of: of that hostname, else of that MAC. */
export function matchMachine(
  current: readonly Machine[],
  input: MachineInput,
): { machine: Machine } | undefined {
  const hostname = input.hostname?.trim().toLowerCase();
  const mac = normalizeMac(input.mac ?? '');
  const machine = current.find((m) => m.hostname === hostname) ?? current.find((m) => m.mac === mac);
  return machine && { machine };
}

function toInput(data: object): MachineInput {
  const { aliases, ...rest } = data as MachineInput & { aliases?: string };
  return {
    ...rest,
    ...(aliases === undefined ? {} : { aliases: String(aliases).split(',').filter(Boolean) }),
  };
}

/** The profile that a machine boots next time only; null: as its type does. Logged, so that netboot hears of it. */
export async function setBootOnce(
  store: Store,
  actor: string,
  names: readonly string[],
  profile: string | null,
): Promise<Machine[]> {
  return change(store, 'mdb', actor, async (tx) => {
    const current = await listMachines(tx);
    const machines = names.map((name) => findMachine(current, name));
    await tx('machines')
      .whereIn(
        'id',
        machines.map(({ id }) => id),
      )
      .update({ boot_once: profile });
    const value = machines.map((machine) => ({ ...machine, boot_once: profile }));
    return { value, updates: value.map((machine): Update => ({ type: 'update', data: toRecord(machine) })) };
  });
}

async function writePlan(tx: Tx, plan: MachinePlan): Promise<void> {
  const ids = [...plan.remove, ...plan.update.map(({ before }) => before)].map(({ id }) => id);
  for (let at = 0; at < ids.length; at += 500)
    await tx('names')
      .whereIn('machine_id', ids.slice(at, at + 500))
      .delete();
  for (const { id } of plan.remove) await tx('machines').where({ id }).delete();
  // Machines that swap a unique value step aside first.
  for (const { before, after } of plan.update)
    if (before.hostname !== after.hostname || before.mac !== after.mac || before.ip !== after.ip)
      await tx('machines')
        .where({ id: before.id })
        .update({ hostname: `~${before.id}`, mac: `~${before.id}`, ip: `~${before.id}` });
  for (const { after } of plan.update) await tx('machines').where({ id: after.id }).update(columns(after));
  for (const machine of plan.create) {
    const [row] = (await tx('machines').insert(columns(machine)).returning('id')) as { id: number }[];
    machine.id = row!.id;
  }
  const rows = [...plan.update.map(({ after }) => after), ...plan.create].flatMap((machine) =>
    [machine.hostname, ...aliasList(machine)].map((name, position) => ({
      name,
      machine_id: machine.id,
      position,
    })),
  );
  if (rows.length > 0) await tx.batchInsert('names', rows, 200);
}

function columns(machine: Machine): Record<string, unknown> {
  const { id: _id, aliases: _aliases, ...rest } = machine;
  return rest;
}
