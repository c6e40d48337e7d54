import { Args, Flags } from '@oclif/core';
import { DestructiveCommand } from '../../destructive-command.ts';

export default class UdbRm extends DestructiveCommand<typeof UdbRm> {
  static override description = 'remove users; their homes stay where they are';
  static override examples = ['<%= config.bin %> udb rm jdoe', '<%= config.bin %> udb rm jdoe asmith --yes'];
  static override args = { logins: Args.string({ description: 'whom', required: true, multiple: true }) };
  static override flags = {
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
    'dry-run': Flags.boolean({ description: 'show who would be removed' }),
  };

  async run() {
    const [{ changeUsers, findUser, readUsers }, { toPublic }, { describePlan, summarizePlan }, { confirm }] =
      await Promise.all([
        import('../../lib/udb/users.ts'),
        import('../../lib/udb/record.ts'),
        import('../../lib/udb/describe.ts'),
        import('../../lib/cli/confirm.ts'),
      ]);
    const { config } = await this.site();
    const store = await this.store();
    const users = await readUsers(store.knex);
    const chosen = [...new Set(this.args.logins.map((login) => findUser(users, login)))];
    const dryRun = this.flags['dry-run'];
    const question = `remove ${chosen.length} user(s): ${chosen.map(({ login }) => login).join(', ')}?`;
    if (!dryRun && !(await confirm(question, this.flags.yes))) return [];
    const ids = new Set(chosen.map(({ id }) => id)); // one who was made anew since the question is somebody else
    const plan = await changeUsers(
      store,
      config,
      this.actor,
      (current) => ({ remove: current.filter(({ id }) => ids.has(id)) }),
      { dryRun },
    );
    for (const line of describePlan(plan)) this.log(line);
    this.note(summarizePlan(plan, { dryRun }));
    return plan.remove.map(toPublic);
  }
}
