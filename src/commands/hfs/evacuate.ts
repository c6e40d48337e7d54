import { Args, Flags } from '@oclif/core';
import { DestructiveCommand } from '../../destructive-command.ts';

export default class HfsEvacuate extends DestructiveCommand<typeof HfsEvacuate> {
  static override description = `a server is dead: serve everyone's last backup from the others

Broken off, it can be run again: those that are done are passed over. When the dead server comes back, it serves none of them.`;
  static override examples = [
    '<%= config.bin %> hfs evacuate 1 --dry-run',
    '<%= config.bin %> hfs evacuate 1',
  ];
  static override args = {
    server: Args.integer({ description: 'the number of the dead server', required: true, min: 0, max: 9999 }),
  };
  static override flags = {
    'dry-run': Flags.boolean({ char: 'n', description: 'only show which home would go where' }),
    force: Flags.boolean({ description: 'also when that server still answers', default: false }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
  };

  async run() {
    const [{ backupsClient }, { evacuationTable }, { confirm }, { asProloError }] = await Promise.all([
      import('../../lib/hfs/backup/operator.ts'),
      import('../../lib/hfs/backup/words.ts'),
      import('../../lib/cli/confirm.ts'),
      import('../../lib/errors.ts'),
    ]);
    const client = backupsClient(await this.site());
    const { server } = this.args;
    const plan = await client.evacuation(server, this.flags.force);
    if (plan.homes.length + plan.lost.length === 0) {
      this.log(`hfs ${server} has no homes`);
      return { plan, restored: [], failed: [] };
    }
    this.log(evacuationTable(plan));
    const result = { plan, restored: [] as string[], failed: [] as { login: string; error: string }[] };
    if (plan.lost.length > 0) process.exitCode = 1;
    if (this.flags['dry-run'] || plan.homes.length === 0) return result;
    const question = `hfs ${server} is dead: restore ${plan.homes.length} homes on other servers?`;
    if (!(await confirm(question, this.flags.yes))) return result;
    for (const [i, { login, to, kept }] of plan.homes.entries()) {
      const place = `${i + 1}/${plan.homes.length}  ${login}`;
      try {
        const restored = await client.restore({
          ...{ login, to, force: true, actor: this.actor },
          ...(kept ? { kept } : {}),
        });
        result.restored.push(login);
        this.log(`${place}  hfs ${to}  ${restored.from}  ${restored.time}`);
      } catch (error) {
        const { message } = asProloError(error);
        result.failed.push({ login, error: message });
        process.exitCode = 1;
        this.note(`${place}: ${message}`);
      }
    }
    return result;
  }
}
