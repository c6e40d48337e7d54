import { type Static, Type } from 'typebox';
import { ProloError } from '../lib/errors.ts';
import type { DaemonContext, StartDaemon } from '../lib/http/daemon.ts';
import { createRateLimit } from '../lib/http/rate-limit.ts';
import { createServer } from '../lib/http/server.ts';
import { renderInventory } from '../lib/mdb/ansible.ts';
import { listMachines, registerMachine } from '../lib/mdb/machines.ts';
import { MACHINE_FILTERS, SWITCH_FILTERS } from '../lib/mdb/query.ts';
import { type MachineRecord, toRecord } from '../lib/mdb/record.ts';
import { MachineSchema, SwitchSchema } from '../lib/mdb/schema.ts';
import { listSwitches } from '../lib/mdb/switches.ts';
import { renderTargets, TARGET_KINDS } from '../lib/mdb/targets.ts';
import type { RpcMethod, RpcMethods } from '../lib/rpc/call.ts';
import { filterRecords } from '../lib/rpc/filter.ts';
import { serveRpc } from '../lib/rpc/routes.ts';
import { readTogether, type Store } from '../lib/store/store.ts';

/** A server's number; SADM's netboot passes on the text of a query string. */
const ServerNumber = Type.Union([Type.Integer(), Type.String({ pattern: '^\\d{1,4}$' })], {
  description: "a file server's number",
});

/** It is logged before it is judged. */
const short = (description: string) => Type.String({ maxLength: 200, description });

const Registration = Type.Object({
  hostname: short('a name'),
  mac: short('a MAC address'),
  rfs: ServerNumber,
  hfs: ServerNumber,
  room: short("a room's name"),
  mtype: short('user, orga, cluster or service'),
});

/** The machine database's calls. */
export const start: StartDaemon = async (context) => {
  const server = createServer(context, 'mdb');
  const store = await context.store();
  await serveRpc(server, context, createMethods(context, store), {
    title: 'MDB',
    description: 'The machine database: machines, switches, registration, an Ansible inventory.',
  });
  // Not a call: Prometheus wants the bare list.
  for (const kind of TARGET_KINDS)
    server.app.get(`/targets/${kind}`, async () =>
      renderTargets(context.site.config, (await readTogether(store, listMachines)).map(toRecord), kind),
    );
  return server.start();
};

function createMethods(context: DaemonContext, store: Store): RpcMethods {
  const machines = async (): Promise<MachineRecord[]> =>
    (await readTogether(store, listMachines)).map(toRecord);
  return {
    query: {
      description: 'The machines that match all filters, in order of hostname.',
      filters: MACHINE_FILTERS,
      result: Type.Array(MachineSchema),
      run: async (filters) => filterRecords(await machines(), filters, MACHINE_FILTERS),
    },
    switches: {
      description: 'The switches that match all filters, in order of rfs, hfs, name.',
      filters: SWITCH_FILTERS,
      result: Type.Array(SwitchSchema),
      run: async (filters) => filterRecords(await readTogether(store, listSwitches), filters, SWITCH_FILTERS),
    },
    register: createRegister(context, store),
    ansible: {
      description: 'An Ansible dynamic inventory: groups by mtype and room.',
      params: Type.Object({}),
      result: Type.Object({}),
      run: async () => renderInventory(await machines(), Object.keys(context.site.config.rooms)),
    },
  };
}

function createRegister({ site, log }: DaemonContext, store: Store): RpcMethod {
  const { config } = site;
  const rate = createRateLimit(config.netboot.registrationsPerMinute);
  return {
    description: 'Registers a machine, where the setting allow_self_registration is true; its address.',
    params: Registration,
    result: Type.String({ description: 'the address it got' }),
    async run(kwargs, { ip }) {
      if (!rate.take(ip, Date.now()))
        throw new ProloError('too-many', `registration: too many from ${ip}; wait a minute`);
      const { rfs, hfs, ...rest } = kwargs as Static<typeof Registration>;
      const asked = { ...rest, rfs: Number(rfs), hfs: Number(hfs) };
      log.info({ ip, ...asked }, 'mdb: asked to register');
      const machine = await registerMachine(store, config, `mdb ${ip}`, asked);
      log.info({ ip, hostname: machine.hostname, address: machine.ip }, 'mdb: registered');
      return machine.ip;
    },
  };
}
