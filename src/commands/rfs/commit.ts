import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class RfsCommit extends BaseCommand<typeof RfsCommit> {
  static override summary = 'make a version of staging, and let machines boot it';
  static override description = `The version is one compressed image, which no one changes any more. It goes to every RFS; once each has proved that it has
every byte, machines boot it at their next start. Those that run are not touched.`;
  static override examples = [
    '<%= config.bin %> rfs commit -m "gcc 14"',
    '<%= config.bin %> rfs commit -m "another kernel" --canary pas-r01p[01-02]',
  ];
  static override flags = {
    message: Flags.string({ char: 'm', description: 'what is new in it, for `rfs status`', required: true }),
    canary: Flags.string({
      description: 'only these machines boot it, until `rfs promote` or `rfs rollback`',
      helpValue: 'SELECTION',
    }),
    partial: Flags.boolean({
      description: 'let the machines of those RFS boot it that have it, where one has not',
    }),
  };

  async run() {
    const { commit } = await import('../../lib/rfs/commit.ts');
    const { message, partial, canary } = this.flags;
    const canaries = canary === undefined ? undefined : await this.machinesOf(canary);
    const committed = await commit(await this.site(), await this.store(), {
      message,
      partial,
      ...(canaries ? { canaries } : {}),
      actor: this.actor,
      at: new Date(),
      onStep: (where, what) => this.note(`${where}: ${what}`),
    });
    const { version, switched, failed } = committed;
    if (version === undefined) this.log('nothing has changed in staging since the newest version');
    else if (canaries)
      this.log(`version ${version}: tried by ${canaries.length} machines from their next start on`);
    else this.log(`version ${version}: booted from now on by the machines of rfs ${switched.join(', ')}`);
    for (const { hostname, reason } of failed) this.note(`${hostname} does not have it: ${reason}`);
    if (failed.length > 0) process.exitCode = 1;
    return { ...committed, version: version ?? null };
  }

  private async machinesOf(selection: string) {
    const [{ listMachines }, { selectMachines }] = await Promise.all([
      import('../../lib/mdb/machines.ts'),
      import('../../lib/nodeset.ts'),
    ]);
    const { knex } = await this.store();
    return selectMachines([selection], await listMachines(knex), { nonEmpty: true });
  }
}
