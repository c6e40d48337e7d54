import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../../base-command.ts';

export default class MdbSwitchAdd extends BaseCommand<typeof MdbSwitchAdd> {
  static override description = 'add a switch, or change the one of that name or chassis';
  static override examples = [
    '<%= config.bin %> mdb switch add sw-pas-1 --chassis 68:b5:99:9f:45:40 --rfs 0 --room pasteur',
  ];
  static override args = { name: Args.string({ description: "the switch's name", required: true }) };
  static override flags = {
    chassis: Flags.string({ description: 'its LLDP chassis id', required: true, helpValue: 'MAC' }),
    rfs: Flags.integer({ description: 'the RFS on it', required: true, helpValue: 'N' }),
    hfs: Flags.integer({ description: 'the HFS on it; left out: the same number', helpValue: 'N' }),
    room: Flags.string({ description: 'where it stands', required: true, helpValue: 'R' }),
  };

  async run() {
    const { saveSwitch } = await import('../../../lib/mdb/switches.ts');
    const { chassis, rfs, hfs = rfs, room } = this.flags;
    const record = await saveSwitch(await this.store(), (await this.site()).config, this.actor, {
      name: this.args.name,
      chassis,
      rfs,
      hfs,
      room,
    });
    this.log(`${record.name}  ${record.chassis}  rfs ${record.rfs}  hfs ${record.hfs}  ${record.room}`);
    return record;
  }
}
