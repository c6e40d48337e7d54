import { Args, Flags } from '@oclif/core';
import { DestructiveCommand } from '../../destructive-command.ts';
import type { HomesList } from '../../lib/hfs/db/operate.ts';

export default class HfsReset extends DestructiveCommand<typeof HfsReset> {
  static override description = `homes as new: the next login makes another; the old ones are kept aside

The home of somebody who is logged on is left alone, unless --logout ends their session first.`;
  static override examples = [
    '<%= config.bin %> hfs reset jdoe',
    '<%= config.bin %> hfs reset jdoe --logout',
    '<%= config.bin %> hfs reset --all --dry-run',
    '<%= config.bin %> hfs reset --all --set contest --purge',
  ];
  static override strict = false;
  static override args = { login: Args.string({ description: 'whose homes' }) };
  static override flags = {
    all: Flags.boolean({
      description: "everyone's of one set; without --set, of the usual one",
      default: false,
    }),
    set: Flags.string({ description: 'of which set: usual, or that of a contest', helpValue: 'SET' }),
    logout: Flags.boolean({ description: 'end the sessions of those who are logged on', default: false }),
    purge: Flags.boolean({ description: 'keep nothing of them', default: false }),
    'dry-run': Flags.boolean({ char: 'n', description: 'only show whose' }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
  };

  async run() {
    const [{ operatorClient }, { confirm }, { asProloError, ProloError }, names, { mustBeSet, namedHome }] =
      await Promise.all([
        import('../../lib/hfs/operator.ts'),
        import('../../lib/cli/confirm.ts'),
        import('../../lib/errors.ts'),
        import('../../lib/hfs/home-name.ts'),
        import('../../lib/hfs/named-home.ts'),
      ]);
    const { all, set = names.USUAL, logout, purge, yes } = this.flags;
    if (all === this.words.length > 0)
      throw new ProloError('bad-input', 'hfs reset: either logins or --all', {
        hint: 'look first: `prolo hfs reset --all --dry-run`',
      });
    mustBeSet(set);
    const client = operatorClient(await this.site());
    const { homes } = (await client.call('list')) as HomesList;
    const made = homes.filter(({ state }) => state !== 'creating').map(({ login }) => login);
    const seats = new Map(homes.map(({ login, seat }) => [login, seat?.hostname]));
    const ofSet = made.filter((name) => names.parseHomeName(name).set === set);
    const wanted = all ? ofSet : [...new Set(this.words.map((word) => namedHome(word, this.flags.set)))];
    const missing = wanted.find((login) => !made.includes(login));
    if (missing !== undefined)
      throw new ProloError('not-found', `home ${missing}: there is none`, {
        hint: "it is made at its owner's next login; `prolo hfs list` shows those that are",
      });
    const result = { reset: [] as string[], failed: [] as { login: string; error: string }[] };
    if (wanted.length === 0) {
      this.log(set === names.USUAL ? 'there are no homes' : `there are no homes of the set ${set}`);
      return result;
    }
    if (this.flags['dry-run']) {
      for (const login of wanted) {
        const seat = seats.get(login);
        const out = seat ? `logged out of ${seat}, and ` : '';
        const what = `${out}${purge ? 'deleted' : 'kept aside'}`;
        this.log(`${login}: would be ${seat && !logout ? `left alone, logged on at ${seat}` : what}`);
      }
      return result;
    }
    const how = purge ? ', and delete what is in them' : '';
    const question = `reset ${wanted.length} home(s)${how}: ${wanted.slice(0, 10).join(', ')}${wanted.length > 10 ? ', …' : ''}?`;
    if (!(await confirm(question, yes))) return result;
    for (const login of wanted)
      try {
        const seat = seats.get(login);
        if (logout && seat !== undefined) await this.endSession(names.ownerOf(login), seat);
        const answer = await client.call('reset', { login, purge, actor: this.actor });
        const { kept } = answer as { kept: string | null };
        result.reset.push(login);
        this.log(`${login}: reset${kept ? `; the old one is ${kept}` : ''}`);
      } catch (error) {
        const known = asProloError(error);
        if (wanted.length === 1) throw known;
        result.failed.push({ login, error: known.message });
        process.exitCode = known.exitStatus;
        this.note(`${login}: ${known.message}`);
      }
    return result;
  }

  private async endSession(login: string, hostname: string): Promise<void> {
    const [{ endSession }, site] = await Promise.all([import('../../lib/presence/end.ts'), this.site()]);
    await endSession(site, site.config.database ? await this.store() : undefined, this.actor, {
      login,
      hostname,
    });
    this.note(`${login}: logged out of ${hostname}`);
  }
}
