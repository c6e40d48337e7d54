import { Args } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';

export default class Daemon extends BaseCommand<typeof Daemon> {
  static override description = `run some of the site's daemons in this process, in the foreground

On the gateway: mdb, udb, mdbsync, udbsync, presencesync, hfsdb, netboot,
mdbdns, mdbdhcp (\`prolo up\` runs them all); timers, for backups of homes.
On a home file server: hfs@NUMBER. On a PC: presenced. On any host: passwd, rootssh.`;
  static override examples = [
    '<%= config.bin %> daemon mdb mdbsync',
    '<%= config.bin %> daemon hfs@2',
    '<%= config.bin %> daemon mdbdns --config /etc/prolo/prolo.yml',
  ];
  static override enableJsonFlag = false;
  static override strict = false;
  static override args = { name: Args.string({ description: 'one or more daemons', required: true }) };

  async run(): Promise<void> {
    const { runDaemons } = await import('../daemons/run.ts');
    const { daemons, ended } = await runDaemons(await this.site(), this.words);
    for (const { name, url } of daemons) this.log(url ? `${name}  ${url}` : name);
    this.log('ready');
    await ended;
  }
}
