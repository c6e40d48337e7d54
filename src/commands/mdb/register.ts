import { hostname, networkInterfaces } from 'node:os';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class MdbRegister extends BaseCommand<typeof MdbRegister> {
  static override summary = 'tell MDB of the gateway itself';
  static override description = `Its MAC address and address, and the names by which others ask for its services; what MDB knows already stays. The gateway \
does so at each start, by prolo-registration.service.`;
  static override examples = [
    '<%= config.bin %> mdb register gw',
    '<%= config.bin %> mdb register gw --mac 52:54:00:12:34:56',
  ];
  static override args = {
    role: Args.string({ description: 'what this host is', options: ['gw'], required: true }),
  };
  static override flags = {
    host: Flags.string({ description: 'its hostname; left out: this host’s', helpValue: 'H' }),
    mac: Flags.string({ description: 'its NIC; left out: the one that has the address', helpValue: 'M' }),
  };

  async run() {
    const { register, registrationOf } = await import('../../lib/install/register.ts');
    const { config } = await this.site();
    const { host = hostname(), mac } = this.flags;
    const wanted = registrationOf(config, this.args.role, host, networkInterfaces(), mac);
    const told = await register(await this.store(), config, this.actor, wanted, false);
    if (told) this.log(`${told.hostname}: ${(told.aliases ?? []).join(' ')}`);
    else this.note('nothing changed');
    return { told: told ?? null };
  }
}
