import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import { machineFlags, machineInput } from '../../lib/mdb/flags.ts';

export default class MdbAdd extends BaseCommand<typeof MdbAdd> {
  static override description = 'add a machine';
  static override examples = [
    '<%= config.bin %> mdb add --hostname pas-r01p01 --mac 52:54:00:12:34:56 --room pasteur',
    '<%= config.bin %> mdb add --hostname gw --mac 52:54:00:12:34:57 --ip 192.168.1.254 --mtype service --aliases mdb,ns,netboot',
  ];
  static override flags = {
    hostname: Flags.string({ description: 'its name, a DNS label', required: true, helpValue: 'H' }),
    ...machineFlags,
    update: Flags.boolean({ description: 'change it if it is there (by hostname)' }),
  };

  async run() {
    const [{ changeMachines, matchMachine }, { toRecord }] = await Promise.all([
      import('../../lib/mdb/machines.ts'),
      import('../../lib/mdb/record.ts'),
    ]);
    const { config } = await this.site();
    const input = { hostname: this.flags.hostname, ...machineInput(this.flags) };
    const plan = await changeMachines(await this.store(), config, this.actor, (current) => ({
      wishes: [{ input, ...(this.flags.update ? matchMachine(current, { hostname: input.hostname }) : {}) }],
    }));
    const [machine] = [...plan.create, ...plan.update.map(({ after }) => after)];
    if (!machine) {
      this.log(`${input.hostname}: unchanged`);
      return null;
    }
    this.log(`${machine.hostname}  ${machine.ip}  ${machine.mac}`);
    return toRecord(machine);
  }
}
