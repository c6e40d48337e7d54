import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import { groupFlag } from '../../lib/udb/flags.ts';
import { SHEET_FORMATS, type SheetFormat } from '../../lib/udb/sheet-formats.ts';

export default class UdbSheet extends BaseCommand<typeof UdbSheet> {
  static override description =
    'write password sheets, to hand out; the audit notes who made them, and for whom';
  static override examples = [
    '<%= config.bin %> udb sheet --type user --out users.pdf',
    '<%= config.bin %> udb sheet jdoe asmith --format text',
  ];
  static override args = { logins: Args.string({ description: 'for whom; none: everyone', multiple: true }) };
  static override flags = {
    type: groupFlag('of this group only', 'group'),
    format: Flags.option({
      description: "csv, text, or pdf to print and cut; left out: by the file's ending",
      options: SHEET_FORMATS,
    })(),
    out: Flags.string({
      description: 'the file, made with mode 0600; -: standard output',
      helpValue: 'FILE',
      default: '-',
    }),
  };

  async run() {
    const [
      { readSheet },
      { renderSheet },
      { writeFileAtomic },
      { ProloError },
      { formatOf },
      { checkFolder },
    ] = await Promise.all([
      import('../../lib/udb/private.ts'),
      import('../../lib/udb/sheet.ts'),
      import('../../lib/write-file.ts'),
      import('../../lib/errors.ts'),
      import('../../lib/udb/sheet-formats.ts'),
      import('../../lib/cli/output.ts'),
    ]);
    const { out } = this.flags;
    const format: SheetFormat = this.flags.format ?? formatOf(out);
    if (format === 'pdf' && out === '-')
      throw new ProloError('bad-input', 'password sheet: a PDF needs a file', { hint: 'name it with --out' });
    if (out !== '-') checkFolder(out);
    const site = await this.site();
    const selection = { group: this.flags.type as 'user' | undefined, logins: this.args.logins ?? [] };
    const users = await readSheet(await this.store(), site.secret('passwords.key'), this.actor, selection);
    const logins = users.map(({ login }) => login);
    const unknown = users.filter(({ password }) => password === null).length;
    if (unknown > 0)
      this.note(
        `${unknown} of these passwords are not known; \`prolo udb password LOGIN --new\` makes others`,
      );
    const data = await renderSheet(format, site.config.name, users);
    if (out !== '-') {
      await writeFileAtomic(out, data, 0o600);
      this.note(`${out}: ${logins.length} slip(s)`);
      return { file: out, format, logins };
    }
    if (!this.jsonEnabled()) process.stdout.write(data);
    return users.map(({ login, password, firstname, lastname, group }) => ({
      login,
      password,
      firstname,
      lastname,
      group,
    }));
  }
}
