import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class NetbootOnce extends BaseCommand<typeof NetbootOnce> {
  static override description = 'boot something else next time only: rescue, memtest, an installer';
  static override examples = [
    '<%= config.bin %> netboot once pas-r01p01 memtest',
    '<%= config.bin %> netboot once "pas-r[01-06]p[01-08]" rescue',
    '<%= config.bin %> netboot once @faulty --clear',
  ];
  static override args = {
    machines: Args.string({ description: 'a node set', required: true, ignoreStdin: true }),
    profile: Args.string({ description: 'one of netboot.profiles in prolo.yml', ignoreStdin: true }),
  };
  static override flags = { clear: Flags.boolean({ description: 'as their type says after all' }) };

  async run() {
    const [{ checkProfile }, { setBootOnce, listMachines }, { selectMachines }] = await Promise.all([
      import('../../lib/netboot/profiles.ts'),
      import('../../lib/mdb/machines.ts'),
      import('../../lib/mdb/select.ts'),
    ]);
    const { config } = await this.site();
    const profile = checkProfile(config, this.args.profile, this.flags.clear);
    const store = await this.store();
    const chosen = selectMachines([this.args.machines], await listMachines(store.knex));
    const names = chosen.map(({ hostname }) => hostname);
    await setBootOnce(store, this.actor, names, profile);
    for (const name of names)
      this.log(profile ? `${name}: boots ${profile} next time` : `${name}: boots as its type says`);
    return names.map((hostname) => ({ hostname, boot_once: profile }));
  }
}
