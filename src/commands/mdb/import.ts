import { Args, Flags } from '@oclif/core';
import { DestructiveCommand } from '../../destructive-command.ts';

export default class MdbImport extends DestructiveCommand<typeof MdbImport> {
  static override description = `add and change machines from a spreadsheet, all or nothing

CSV with a header line (, ; or tab), or a YAML or JSON list; the columns are the fields of \`mdb export\`. A machine is found by \
its hostname, else by its MAC, else it is new. Machines that the file does not name stay, except with --delete.`;
  static override examples = [
    '<%= config.bin %> mdb import machines.csv --dry-run',
    '<%= config.bin %> mdb export > machines.csv; $EDITOR machines.csv; <%= config.bin %> mdb import machines.csv',
  ];
  static override args = {
    file: Args.string({ description: 'the file; - for standard input', required: true }),
  };
  static override flags = {
    'dry-run': Flags.boolean({ description: 'show what would change' }),
    delete: Flags.boolean({ description: 'remove the machines that the file does not name (asks)' }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
    format: Flags.string({
      description: 'what the file is; left out: by its name',
      options: ['csv', 'yaml'],
    }),
  };

  async run() {
    const [
      { changeMachines },
      { decideImport },
      { readSheet, sheetFormat },
      { readInput },
      { describePlan, summarizePlan },
      { confirm },
      { toRecord },
    ] = await Promise.all([
      import('../../lib/mdb/machines.ts'),
      import('../../lib/mdb/import.ts'),
      import('../../lib/mdb/spreadsheet.ts'),
      import('../../lib/cli/input.ts'),
      import('../../lib/mdb/describe.ts'),
      import('../../lib/cli/confirm.ts'),
      import('../../lib/mdb/record.ts'),
    ]);
    const { file } = this.args;
    const format =
      (this.flags.format as 'csv' | 'yaml' | undefined) ?? (file === '-' ? 'csv' : sheetFormat(file));
    const rows = readSheet(await readInput(file), format, file);
    const { config } = await this.site();
    const store = await this.store();
    const decide = (current: Parameters<typeof decideImport>[0]) =>
      decideImport(current, rows, this.flags.delete);
    const dryRun = this.flags['dry-run'];
    if (this.flags.delete && !dryRun) {
      const { remove } = await changeMachines(store, config, this.actor, decide, true);
      if (
        remove.length > 0 &&
        !(await confirm(`remove ${remove.length} machine(s) that ${file} does not name?`, this.flags.yes))
      )
        return null;
    }
    const plan = await changeMachines(store, config, this.actor, decide, dryRun);
    for (const line of describePlan(plan)) this.log(line);
    this.note(summarizePlan(plan, dryRun));
    return {
      dryRun,
      created: plan.create.map(toRecord),
      updated: plan.update.map(({ before, after }) => ({ before: toRecord(before), after: toRecord(after) })),
      removed: plan.remove.map(toRecord),
    };
  }
}
