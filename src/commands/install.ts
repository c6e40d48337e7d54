import { existsSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { Args, Flags } from '@oclif/core';
import { DestructiveCommand } from '../destructive-command.ts';
import type { Plan } from '../lib/install/install.ts';
import type { Step } from '../lib/install/plan.ts';
import type { ProloError } from '../lib/errors.ts';
import type { Registration } from '../lib/install/register.ts';
import type { Site } from '../lib/site/site.ts';

export default class Install extends DestructiveCommand<typeof Install> {
  static override summary = 'make this host what recipes say: packages, files, units';
  static override description = `Shows what differs, asks, does it, lets the programs that will read the files check them, and reloads those. What is so already \
is not touched. A file that somebody changed since is left as it is, with ours beside it (.prolo-new), unless --overwrite. A role (gw, rhfs, \
web, monitoring, rfs) is a list of recipes, and MDB knows its server: the gateway says so itself, for others the command is shown. Without a \
name, at a terminal, it asks what this machine is to become, and makes the gateway's site; --answers FILE answers for you.`;
  static override examples = [
    '<%= config.bin %> install',
    '<%= config.bin %> install --list',
    '<%= config.bin %> install gw',
    '<%= config.bin %> install base nginx --plan',
    '<%= config.bin %> install base sysctl --root /mnt --yes',
    '<%= config.bin %> install --undo 20260508T220000-1f2e',
  ];
  static override strict = false;
  static override args = { recipe: Args.string({ description: 'roles and recipes, by name' }) };
  static override flags = {
    list: Flags.boolean({ description: 'which roles and recipes there are' }),
    answers: Flags.string({ description: 'what the questions are answered with, YAML', helpValue: 'FILE' }),
    plan: Flags.boolean({ description: 'only show what would be done' }),
    'dry-run': Flags.boolean({ char: 'n', description: 'the same as --plan' }),
    root: Flags.string({ description: 'the root folder of the host', helpValue: 'DIR', default: '/' }),
    host: Flags.string({ description: 'its hostname; left out: this host’s', helpValue: 'H' }),
    mac: Flags.string({ description: 'its NIC, for MDB; left out: this host’s', helpValue: 'M' }),
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

  protected override makesSite(): boolean {
    const { config = process.env.PROLO_CONFIG } = this.flags;
    const places = config === undefined ? ['prolo.yml', '/etc/prolo/prolo.yml'] : [config];
    return this.words.length === 0 && !places.some((place) => existsSync(place));
  }

  protected override mendsStore(): boolean {
    return true;
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
    const { expandRoles } = await import('../lib/install/roles.ts');
    const asked = await this.ask();
    if (asked === 'no') return { steps: [], run: null, left: [] };
    const site = await this.site();
    const { recipes: names, role } = expandRoles(asked ? [asked.role] : words, site.config);
    const host = flags.host ?? asked?.hostname ?? hostname();
    const target = { site, root, hostname: host, ...(role ? { role } : {}) };
    if (flags.list) {
      const { table } = await import('../lib/cli/table.ts');
      const { SERVER_ROLES } = await import('../lib/install/roles.ts');
      const made = [...recipesFor({ ...target, distribution: distributionOf(root) }).values()];
      const recipes = made.map(({ name, summary }) => ({ name, summary }));
      const roles = Object.entries(SERVER_ROLES).map(([name, one]) => ({
        ...{ name, summary: one.summary },
        recipes: one.recipes(site.config),
      }));
      const rows = (all: { name: string; summary: string }[]) =>
        all.map(({ name, summary }) => [name, summary]);
      this.log(`${table(['role', 'what it is'], rows(roles))}\n`);
      this.log(table(['recipe', 'what it is'], rows(recipes)));
      return { roles, recipes };
    }
    if (names.length === 0)
      throw new ProloError('bad-input', 'install: which recipes?', { hint: 'see `prolo install --list`' });
    const plan = await makePlan(target, names);
    const entry = role ? await this.registration(site, role, target.hostname, root) : undefined;
    const steps = await this.show(plan.steps, entry?.told);
    const done = { steps, run: null, left: [] };
    const count = plan.steps.length + (entry?.told ? 1 : 0);
    if (count === 0) return done;
    if (flags.plan || flags['dry-run']) {
      this.note(`${count} ${count === 1 ? 'thing' : 'things'} to do; nothing was done`);
      return done;
    }
    if (!(await this.agreed(count))) return done;
    const applied = plan.steps.length > 0 ? await this.apply(plan) : {};
    if (entry?.told) await this.tellMdb(site, entry.wanted, false);
    if (asked) {
      const { nextSteps } = await import('../lib/install/wizard/begin.ts');
      for (const line of ['', 'What comes next:', ...nextSteps(asked.role)]) this.note(line);
    }
    return { ...done, ...applied };
  }

  /** What this machine is to become, where no recipe says it; its site is made. `no`: not now. */
  private async ask() {
    const { flags, words } = this;
    const isTerminal = process.stdin.isTTY && process.stdout.isTTY && !this.jsonEnabled();
    if (words.length > 0 || flags.list || (flags.answers === undefined && !isTerminal)) return undefined;
    const { makeSite } = await import('../lib/install/wizard/make-site.ts');
    const made = await makeSite({
      ...{ config: flags.config, answers: flags.answers, onlyLooks: this.onlyLooks(), yes: flags.yes },
      ...{ actor: this.actor, show: (text: string) => this.log(text) },
    });
    if (!made) return 'no';
    if (made.site) flags.config = made.file;
    return made;
  }

  private async agreed(count: number): Promise<boolean> {
    const { confirm } = await import('../lib/cli/confirm.ts');
    return confirm(`do these ${count} things?`, this.flags.yes, '--plan');
  }

  /** What MDB would be told of this server; where it is not this host that has MDB, the command for the one that has. */
  private async registration(site: Site, role: string, name: string, root: string) {
    // It tells MDB itself when it starts: prolo-registration.service.
    if (role === 'gw' && root !== '/') return undefined;
    const { SERVER_ROLES } = await import('../lib/install/roles.ts');
    if (SERVER_ROLES[role]?.isTree) return undefined;
    const { registrationCommand, registrationOf } = await import('../lib/install/register.ts');
    const nics = root === '/' ? networkInterfaces() : {};
    const wanted = registrationOf(site.config, role, name, nics, this.flags.mac);
    if (!site.config.database || wanted.mac === undefined) {
      this.note(`on the gateway, for MDB to know this server: ${registrationCommand(wanted)}`);
      return undefined;
    }
    const lacks = await this.tellMdb(site, wanted, true).catch((error: unknown) => {
      if ((error as Partial<ProloError>).kind !== 'unavailable') throw error;
      // PostgreSQL may be what this is to install.
      this.note(
        role === 'gw'
          ? `database ${site.config.gateway}: not there yet; MDB is told by prolo-registration.service when it is`
          : `${(error as Error).message}; when it answers: ${registrationCommand(wanted)}`,
      );
      return undefined;
    });
    return { wanted, told: lacks && `+ ${name} in MDB: ${(lacks.aliases ?? []).join(' ')}` };
  }

  private async tellMdb(site: Site, wanted: Registration, dryRun: boolean) {
    const { register } = await import('../lib/install/register.ts');
    return register(await this.store(), site.config, this.actor, wanted, dryRun);
  }

  private async show(steps: readonly Step[], told?: string) {
    const { describeChange, describeStep } = await import('../lib/install/describe.ts');
    for (const step of steps) {
      this.log(describeStep(step));
      const change = describeChange(step);
      if (change) this.log(change.trimEnd());
    }
    if (told) this.log(told);
    else if (steps.length === 0) this.log('nothing to do');
    return steps.map((step) => ({ recipe: step.recipe, kind: step.kind, what: describeStep(step) }));
  }

  private async apply(plan: Plan) {
    const [{ applyPlan }, { showProgress }] = await Promise.all([
      import('../lib/install/install.ts'),
      import('../lib/install/show-progress.ts'),
    ]);
    const { onStep, stop } = await showProgress(
      plan.steps,
      (text) => this.note(text),
      process.stderr.isTTY && !this.jsonEnabled(),
    );
    const { overwrite } = this.flags;
    const done = await applyPlan(plan, { by: this.actor, at: new Date(), overwrite, onStep }).then(
      (applied) => stop().then(() => applied),
      async (error: Error) => {
        await stop(error.message);
        throw error;
      },
    );
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
