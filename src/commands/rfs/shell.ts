import { Args } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';

export default class RfsShell extends BaseCommand<typeof RfsShell> {
  static override summary = 'a shell in staging, the root filesystem that roots change';
  static override description = `One word after -- is a command line for a shell there, several words are a command and its arguments. It sees staging as its \
root, and this host's network. Nobody else can work in staging, nor commit it, until it ends; its exit status is the command's.`;
  static override examples = [
    '<%= config.bin %> rfs shell',
    '<%= config.bin %> rfs shell -- systemctl disable cups.service',
    "<%= config.bin %> rfs shell -- 'du -xh / | sort -h | tail'",
  ];
  static override enableJsonFlag = false; // its output is the command's
  static override usage = ['<%= command.id %> [-- COMMAND…]'];
  static override strict = false;
  static override args = { command: Args.string({ description: 'what to run; none: a shell' }) };

  async run() {
    const { shellInStaging } = await import('../../lib/rfs/root/shell.ts');
    process.exitCode = await shellInStaging(await this.site(), this.actor, this.words);
  }
}
