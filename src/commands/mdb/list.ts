import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import type { MachineRecord } from '../../lib/mdb/record.ts';

export default class MdbList extends BaseCommand<typeof MdbList> {
  static override description = 'list machines, all or a selection';
  static override examples = [
    '<%= config.bin %> mdb list',
    '<%= config.bin %> mdb list pas-r[01-06]p[01-08]',
    '<%= config.bin %> mdb list "@room:pasteur&@faulty"',
    '<%= config.bin %> mdb list @mtype:user --fold',
    '<%= config.bin %> mdb list "@free&@room:pasteur"',
  ];
  static override strict = false;
  static override args = { machines: Args.string({ description: 'node sets; none: all machines' }) };
  static override flags = {
    fold: Flags.boolean({ description: 'print the names only, folded into one node set' }),
  };

  async run() {
    const { readMachines } = await import('../../lib/mdb/source.ts');
    const all = await readMachines(await this.site(), () => this.store());
    const machines = this.words.length > 0 ? await this.select(all) : all;
    if (this.jsonEnabled()) return machines;
    if (this.flags.fold) {
      this.log((await import('../../lib/nodeset.ts')).foldNodeset(machines.map(({ hostname }) => hostname)));
      return machines;
    }
    const { table } = await import('../../lib/cli/table.ts');
    const row = (m: (typeof machines)[number]) => [
      m.hostname,
      m.ip,
      m.mac,
      m.mtype,
      m.room,
      m.rfs,
      m.hfs,
      m.aliases,
      m.is_faulty ? m.is_faulty_details || 'yes' : '',
    ];
    this.log(
      table(['hostname', 'ip', 'mac', 'mtype', 'room', 'rfs', 'hfs', 'aliases', 'faulty'], machines.map(row)),
    );
    return machines;
  }

  private async select(all: MachineRecord[]) {
    const [{ selectMachines }, { withLiveGroups }] = await Promise.all([
      import('../../lib/mdb/select.ts'),
      import('../../lib/ssh/groups.ts'),
    ]);
    const sessions = async () =>
      (await import('../../lib/presence/source.ts')).readLogins(await this.site(), () => this.store());
    return withLiveGroups(all, { sessions }, (groups) => selectMachines(this.words, all, { groups }));
  }
}
