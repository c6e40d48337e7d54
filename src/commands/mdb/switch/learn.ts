import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../../base-command.ts';

export default class MdbSwitchLearn extends BaseCommand<typeof MdbSwitchLearn> {
  static override description =
    'add the switch that a file server hears by LLDP: on that server, lldpcli or networkctl says which';
  static override examples = [
    'ssh rhfs01 lldpcli -f json show neighbors ports rhfs0 | <%= config.bin %> mdb switch learn --rfs 0',
    '<%= config.bin %> mdb switch learn --rfs 1 --interface rhfs1 neighbors.txt',
  ];
  static override args = {
    file: Args.string({
      description: 'what `lldpcli -f json` or `networkctl lldp` printed; - is standard input',
      default: '-',
      ignoreStdin: true, // or oclif takes what is piped in for the name of the file
    }),
  };
  static override flags = {
    rfs: Flags.integer({ description: 'the RFS that heard it', required: true, helpValue: 'N' }),
    hfs: Flags.integer({ description: 'the HFS; left out: the same number', helpValue: 'N' }),
    room: Flags.string({ description: "left out: the file server's room", helpValue: 'R' }),
    interface: Flags.string({
      description: 'only what this interface of the file server heard',
      helpValue: 'IF',
    }),
  };

  async run() {
    const [{ learnSwitch, parseNeighbors }, { saveSwitch }, { listMachines }, { aliasList }, { readInput }] =
      await Promise.all([
        import('../../../lib/mdb/lldp.ts'),
        import('../../../lib/mdb/switches.ts'),
        import('../../../lib/mdb/machines.ts'),
        import('../../../lib/mdb/record.ts'),
        import('../../../lib/cli/input.ts'),
      ]);
    const { rfs, hfs = rfs, interface: link } = this.flags;
    const { config } = await this.site();
    const store = await this.store();
    const machines = await listMachines(store.knex);
    const server = machines.find(
      (one) => one.hostname === `rfs${rfs}` || aliasList(one).includes(`rfs${rfs}`),
    );
    const room = this.flags.room ?? server?.room ?? Object.keys(config.rooms)[0]!;
    const neighbors = parseNeighbors(await readInput(this.args.file));
    const learnt = learnSwitch(neighbors, machines, {
      rfs,
      hfs,
      room,
      ...(link === undefined ? {} : { link }),
    });
    for (const text of learnt.ignored) this.note(`ignored: ${text}`);
    const record = await saveSwitch(store, config, this.actor, learnt.record);
    this.log(`${record.name}  ${record.chassis}  rfs ${record.rfs}  hfs ${record.hfs}  ${record.room}`);
    return record;
  }
}
