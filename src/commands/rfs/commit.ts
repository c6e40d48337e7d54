import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class RfsCommit extends BaseCommand<typeof RfsCommit> {
  static override summary = 'make a version of staging, and let machines boot it';
  static override description = `The version is one compressed image, which no one changes any more. It goes to every RFS; once each has proved that it has \
every byte, machines boot it at their next start. Those that run are not touched.`;
  static override examples = [
    '<%= config.bin %> rfs commit -m "gcc 14"',
    '<%= config.bin %> rfs commit -m "another kernel" --canary pas-r01p[01-02]',
  ];
  static override flags = {
    message: Flags.string({
      char: 'm',
      description: 'what is new in it, for `rfs status`',
      helpValue: 'TEXT',
      required: true,
    }),
    canary: Flags.string({
      description: 'only these machines boot it, until `rfs promote` or `rfs rollback`',
      helpValue: 'SELECTION',
    }),
    repack: Flags.boolean({
      description: 'pack all of staging anew, also where little or nothing has changed',
    }),
    partial: Flags.boolean({
      description: 'let the machines of those RFS boot it that have it, where one has not',
    }),
  };

  async run() {
    const [{ commit }, { showSteps }, { describePublished }] = await Promise.all([
      import('../../lib/rfs/commit.ts'),
      import('../../lib/rfs/show-steps.ts'),
      import('../../lib/rfs/describe-publish.ts'),
    ]);
    const { message, partial, repack, canary } = this.flags;
    const canaries = canary === undefined ? undefined : await this.machinesOf(canary);
    const { stop, ...steps } = await showSteps(
      (text) => this.note(text),
      process.stderr.isTTY && !this.jsonEnabled(),
    );
    const committed = await commit(await this.site(), this.store(), {
      message,
      partial,
      repack,
      ...(canaries ? { canaries } : {}),
      actor: this.actor,
      at: new Date(),
      ...steps,
    }).finally(stop);
    const { version, madeBefore, failed, behind } = committed;
    if (madeBefore)
      this.note(`nothing has changed since version ${version}, which was made and not brought out`);
    if (version === undefined) {
      this.log('nothing has changed in staging since the newest version');
      if (behind && behind.rfs.length > 0)
        this.note(
          `version ${behind.newest} is not what the machines of rfs ${behind.rfs.join(', ')} boot; \`prolo rfs promote ${behind.newest}\` makes it so`,
        );
    } else this.log(describePublished({ ...committed, version }));
    for (const { hostname, reason } of failed) this.note(`${hostname} does not have it: ${reason}`);
    if (failed.length > 0) process.exitCode = 1;
    return { ...committed, version: version ?? null };
  }

  private async machinesOf(selection: string) {
    const [{ listMachines }, { selectMachines }] = await Promise.all([
      import('../../lib/mdb/machines.ts'),
      import('../../lib/mdb/select.ts'),
    ]);
    const { knex } = await this.store();
    return selectMachines([selection], await listMachines(knex), { nonEmpty: true });
  }
}
