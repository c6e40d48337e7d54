import { hostname } from 'node:os';
import { Args, Flags } from '@oclif/core';
import { DestructiveCommand } from '../destructive-command.ts';
import type { Plan } from '../lib/install/install.ts';
import type { Step } from '../lib/install/plan.ts';

export default class Install extends DestructiveCommand<typeof Install> {
  static override summary = 'make this host what recipes say: packages, files, units';
  static override description = `Shows what differs, asks, does it, lets the programs that will read the files check them, and reloads those. What is so already
is not touched. A file that somebody changed since is left as it is, with ours beside it (.prolo-new), unless --overwrite.`;
  static override examples = [
    '<%= config.bin %> install --list',
    '<%= config.bin %> install base nginx --plan',
    '<%= config.bin %> install base sysctl --root /mnt --yes',
    '<%= config.bin %> install --undo 20260508T220000-1f2e',
  ];
  static override strict = false;
  static override args = { recipe: Args.string({ description: 'recipes, by name' }) };
  static override flags = {
    list: Flags.boolean({ description: 'which recipes there are' }),
    plan: Flags.boolean({ description: 'only show what would be done' }),
    'dry-run': Flags.boolean({ char: 'n', description: 'the same as --plan' }),
    root: Flags.string({ description: 'the root folder of the host', helpValue: 'DIR', default: '/' }),
    host: Flags.string({ description: 'its hostname; left out: this host’s', helpValue: 'H' }),
    overwrite: Flags.boolean({ description: 'replace files that somebody changed; theirs are kept beside' }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
    runs: Flags.boolean({ description: 'what was installed when' }),
    undo: Flags.string({
      description: 'take a run’s files and starts back',
      helpValue: 'RUN',
      exclusive: ['plan'],
    }),
  };

  protected override onlyLooks(): boolean {
    const { list, plan, runs, 'dry-run': dryRun } = this.flags;
    return list || plan || runs || dryRun;
  }

  async run() {
    const { flags, words } = this;
    const root = (await import('node:path')).resolve(flags.root);
    if (flags.undo !== undefined) return this.undo(root, flags.undo);
    if (flags.runs) return this.runs(root);
    const [{ makePlan, distributionOf }, { recipesFor }, { ProloError }] = await Promise.all([
      import('../lib/install/install.ts'),
      import('../lib/install/catalogue.ts'),
      import('../lib/errors.ts'),
    ]);
    const target = { site: await this.site(), root, hostname: flags.host ?? hostname() };
    if (flags.list) {
      const { table } = await import('../lib/cli/table.ts');
      const recipes = [...recipesFor({ ...target, distribution: distributionOf(root) }).values()];
      this.log(
        table(
          ['recipe', 'what it is'],
          recipes.map(({ name, summary }) => [name, summary]),
        ),
      );
      return { recipes: recipes.map(({ name, summary }) => ({ name, summary })) };
    }
    if (words.length === 0)
      throw new ProloError('bad-input', 'install: which recipes?', { hint: 'see `prolo install --list`' });
    const plan = await makePlan(target, words);
    const steps = await this.show(plan.steps);
    if (plan.steps.length === 0 || flags.plan || flags['dry-run']) return { steps, run: null, left: [] };
    return { steps, ...(await this.apply(plan)) };
  }

  private async show(steps: readonly Step[]) {
    const { describeChange, describeStep } = await import('../lib/install/describe.ts');
    for (const step of steps) {
      this.log(describeStep(step));
      const change = describeChange(step);
      if (change) this.log(change.trimEnd());
    }
    if (steps.length === 0) this.log('nothing to do');
    return steps.map((step) => ({ recipe: step.recipe, kind: step.kind, what: describeStep(step) }));
  }

  private async apply(plan: Plan) {
    const [{ applyPlan }, { confirm }, { describeStep }] = await Promise.all([
      import('../lib/install/install.ts'),
      import('../lib/cli/confirm.ts'),
      import('../lib/install/describe.ts'),
    ]);
    const { overwrite, yes } = this.flags;
    if (!(await confirm(`do these ${plan.steps.length} things?`, yes, '--plan')))
      return { run: null, left: [] };
    const done = await applyPlan(plan, {
      by: this.actor,
      at: new Date(),
      overwrite,
      onStep: (step) => this.note(describeStep(step)),
    });
    const { run, left } = done!;
    for (const path of left)
      this.note(`${path}: changed by hand, and left; what prolo would have is ${path}.prolo-new`);
    if (run.changes.length > 0) this.log(`done; to take it back: prolo install --undo ${run.id}`);
    if (left.length > 0) process.exitCode = 1;
    return { run: run.id, left };
  }

  private async undo(root: string, id: string) {
    const [{ openJournal }, { undoRun }, { confirm }] = await Promise.all([
      import('../lib/install/journal.ts'),
      import('../lib/install/undo.ts'),
      import('../lib/cli/confirm.ts'),
    ]);
    const journal = openJournal(root);
    const run = await journal.find(id);
    const files = run.changes.flatMap((change) => (change.kind === 'file' ? [change.path] : []));
    if (this.flags['dry-run']) {
      for (const path of files) this.log(`~ ${path}`);
      return { restored: [], left: [], stay: [] };
    }
    if (!(await confirm(`put ${files.length} file(s) back as they were?`, this.flags.yes)))
      return { restored: [], left: [], stay: [] };
    const undone = await undoRun(root, journal, run);
    for (const path of undone.restored) this.log(`~ ${path}`);
    for (const path of undone.left) this.note(`${path}: changed since, and left`);
    if (undone.stay.length > 0) this.note(`stays: ${undone.stay.join(', ')}`);
    return undone;
  }

  private async runs(root: string) {
    const [{ openJournal }, { table }] = await Promise.all([
      import('../lib/install/journal.ts'),
      import('../lib/cli/table.ts'),
    ]);
    const runs = await openJournal(root).runs();
    const rows = runs.map(({ id, by, state, recipes, changes }) => [
      id,
      by,
      state,
      String(changes.length),
      recipes.join(' '),
    ]);
    this.log(
      runs.length > 0
        ? table(['run', 'by', 'state', 'changes', 'recipes'], rows)
        : 'nothing was installed yet',
    );
    return { runs: runs.map(({ changes, ...run }) => ({ ...run, changes: changes.length })) };
  }
}
