import { Args } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class NetbootScript extends BaseCommand<typeof NetbootScript> {
  static override description =
    'print the script that a machine would get now; what it boots once stays for it';
  static override examples = [
    '<%= config.bin %> netboot script 68:b5:99:9f:45:40',
    '<%= config.bin %> netboot script pas-r01p01',
  ];
  static override args = {
    machine: Args.string({ description: 'MAC, hostname or alias', required: true, ignoreStdin: true }),
  };

  async run() {
    const [{ createAnswers }, { createReach }, { readView }, { normalizeMac }, { findMachine }] =
      await Promise.all([
        import('../../lib/netboot/answer.ts'),
        import('../../lib/netboot/reach.ts'),
        import('../../lib/netboot/follow-mdb.ts'),
        import('../../lib/mdb/validate.ts'),
        import('../../lib/mdb/find.ts'),
      ]);
    const [{ config }, { knex }] = [await this.site(), await this.store()];
    const view = await readView(knex);
    const mac =
      normalizeMac(this.args.machine) ?? findMachine([...view.byMac.values()], this.args.machine).mac;
    const machine = view.byMac.get(mac);
    const once = machine?.boot_once ?? null;
    const answer = createAnswers(config)(view, { mac, base: createReach(config)(machine?.ip ?? ''), once });
    this.log(answer.script.trimEnd());
    return { mac, hostname: machine?.hostname ?? null, once, ...answer };
  }
}
