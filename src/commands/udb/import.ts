import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import { groupFlag, lengthFlag } from '../../lib/udb/flags.ts';

export default class UdbImport extends BaseCommand<typeof UdbImport> {
  static override description = `import people, all or none
A name, or with --logins a login, a line; empty lines and those that begin with # do not count. Or a JSON array of objects. A login is made of the first name's initial and the last name: Jane Doe is jdoe, the next one jdoe2. Whoever has no password in the file gets a generated one.`;
  static override examples = [
    '<%= config.bin %> udb import finalists.txt --dry-run',
    '<%= config.bin %> udb import --logins --type orga --pwdlen 10 organisers.txt',
    '<%= config.bin %> udb import --ignore users.json',
  ];
  static override args = {
    file: Args.string({ description: 'the file; - is standard input', required: true }),
  };
  static override flags = {
    logins: Flags.boolean({ description: 'lines are logins, not names' }),
    passwords: Flags.boolean({
      description: 'lines end in a password (the last word, or what follows a tab)',
    }),
    type: groupFlag('the group of those who are new; left out: user', 'group'),
    pwdlen: lengthFlag,
    update: Flags.boolean({
      description: 'users who are there: update them, and give them new passwords (JSON: if it has one)',
    }),
    ignore: Flags.boolean({ description: 'users who are there: leave them alone', exclusive: ['update'] }),
    'json-file': Flags.boolean({ description: 'the file is JSON (left out: by its first character)' }),
    'dry-run': Flags.boolean({ description: 'show what would change' }),
  };

  async run() {
    const [
      { importUsers },
      files,
      { readInput },
      { describePlan, summarizePlan, changedNames },
      { toPublic },
    ] = await Promise.all([
      import('../../lib/udb/import.ts'),
      import('../../lib/udb/import-file.ts'),
      import('../../lib/cli/input.ts'),
      import('../../lib/udb/describe.ts'),
      import('../../lib/udb/record.ts'),
    ]);
    const { file } = this.args;
    const { logins, passwords, type, pwdlen, update, ignore, 'dry-run': dryRun } = this.flags;
    const text = await readInput(file);
    const json = this.flags['json-file'] || files.looksLikeJson(text);
    const rows = json
      ? files.parseJsonImport(file, text)
      : files.parseTextImport(file, text, { logins, passwords });
    const site = await this.site();
    const group = type ?? (json ? undefined : 'user');
    const { plan, ignored } = await importUsers(
      await this.store(),
      site.config,
      this.actor,
      rows,
      site.secret('passwords.key'),
      {
        dryRun,
        existing: update ? 'update' : ignore ? 'ignore' : 'refuse',
        ...(group === undefined ? {} : { group }),
        ...(pwdlen === undefined ? {} : { passwordLength: pwdlen }),
      },
    );
    for (const line of describePlan(plan)) this.log(line);
    this.note(summarizePlan(plan, { dryRun, ignored: ignored.length }));
    return {
      created: plan.create.map(toPublic),
      updated: plan.update.map(({ before, after }) => ({
        ...toPublic(after),
        changed: changedNames(before, after),
      })),
      ignored,
    };
  }
}
