import { Args, Flags } from '@oclif/core';
import { DestructiveCommand } from '../../destructive-command.ts';

export default class HfsRestore extends DestructiveCommand<typeof HfsRestore> {
  static override description = `make an earlier state of a home the home

What it is now stays on its server as an old image for a while. Nobody may be
logged on as that person. --force is your word that the server which has the
home is dead.`;
  static override examples = [
    '<%= config.bin %> hfs restore alice --list',
    '<%= config.bin %> hfs restore alice --at 14:30',
    '<%= config.bin %> hfs restore alice --at "2026-05-02 14:30" --to 1',
    '<%= config.bin %> hfs restore alice --from 1:3',
    '<%= config.bin %> hfs restore alice --set contest --at 14:30',
  ];
  static override args = { login: Args.string({ description: 'whose home', required: true }) };
  static override flags = {
    at: Flags.string({
      description: 'the last backup of before then; left out: the last one',
      helpValue: 'TIME',
    }),
    from: Flags.string({
      description: 'this snapshot, or SERVER:EPOCH for an old image, as --list shows them',
      helpValue: 'ID',
      exclusive: ['at'],
    }),
    to: Flags.integer({ description: 'the server that gets it', helpValue: 'N', min: 0, max: 9999 }),
    force: Flags.boolean({ description: 'the server which has the home is dead', default: false }),
    set: Flags.string({ description: 'of which set: usual, or that of a contest', helpValue: 'SET' }),
    list: Flags.boolean({ description: 'only show what there is' }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
  };

  async run() {
    const [{ backupsClient }, { parseFrom, restorableTable }, { confirm }, { parseTime }, { namedHome }] =
      await Promise.all([
        import('../../lib/hfs/backup/operator.ts'),
        import('../../lib/hfs/backup/words.ts'),
        import('../../lib/cli/confirm.ts'),
        import('../../lib/cli/host-time.ts'),
        import('../../lib/hfs/named-home.ts'),
      ]);
    const client = backupsClient(await this.site());
    const login = namedHome(this.args.login, this.flags.set);
    const { at, from, to, force, list, yes } = this.flags;
    if (list) {
      const found = await client.restorable(login);
      this.log(restorableTable(found));
      if (found.snapshots.length + found.kept.length === 0)
        this.note(
          `${login}: no backup, and no old image; \`prolo hfs doctor\` says which servers do not answer`,
        );
      return found;
    }
    const want = {
      login,
      force,
      actor: this.actor,
      ...(at === undefined ? {} : { at: parseTime(at, new Date()) }),
      ...(from === undefined ? {} : parseFrom(from)),
      ...(to === undefined ? {} : { to }),
    };
    const what = from ?? (at === undefined ? 'its last backup' : `its last backup of before ${at}`);
    const dead = force ? ' Its server counts as dead from then on.' : '';
    if (!(await confirm(`home ${login}: make ${what} the home?${dead}`, yes, '--list'))) return {};
    const restored = await client.restore(want);
    const { hfs, epoch } = restored.home;
    this.log(
      `${login}: ${restored.from}${restored.time && `, of ${restored.time}`}, is the home now: hfs ${hfs}, epoch ${epoch}`,
    );
    return restored;
  }
}
