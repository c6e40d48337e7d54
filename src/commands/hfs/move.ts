import { setTimeout as sleep } from 'node:timers/promises';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import type { HomesList } from '../../lib/hfs/db/operate.ts';
import type { Home } from '../../lib/hfs/protocol.ts';

/** How long a server may be silent while a home moves to it. */
const SILENT_MS = 30_000;

export default class HfsMove extends BaseCommand<typeof HfsMove> {
  static override description = 'move a home that nobody uses to another server';
  static override examples = [
    '<%= config.bin %> hfs move jdoe 1',
    '<%= config.bin %> hfs move jdoe 1 --set contest',
  ];
  static override args = {
    login: Args.string({ description: 'whose home', required: true }),
    server: Args.integer({ description: 'where to', required: true, min: 0, max: 9999 }),
  };

  static override flags = {
    set: Flags.string({ description: 'of which set: usual, or that of a contest', helpValue: 'SET' }),
  };

  async run() {
    const [{ operatorClient }, { ProloError }, { namedHome }] = await Promise.all([
      import('../../lib/hfs/operator.ts'),
      import('../../lib/errors.ts'),
      import('../../lib/hfs/named-home.ts'),
    ]);
    const client = operatorClient(await this.site());
    const { server } = this.args;
    const login = namedHome(this.args.login, this.flags.set);
    let home = (await client.call('move', { login, hfs: server, actor: this.actor })) as Home;
    let said = '';
    let heardMs = performance.now();
    while (home.state === 'moving' && home.target === server) {
      await sleep(300);
      const { homes, servers } = (await client.call('list')) as HomesList;
      home = homes.find((one) => one.login === login) ?? home;
      const target = servers.find(({ hfs }) => hfs === server);
      if (target?.error === null) heardMs = performance.now();
      else if (performance.now() - heardMs > SILENT_MS)
        throw new ProloError('unavailable', `home ${login}: hfs ${server} is silent, its move does not end`, {
          hint: `it goes on, or is given up, when hfs ${server} is back, or at the next login`,
        });
      const there = target?.served.find(
        (image) => image.login === login && image.epoch === home.target_epoch,
      );
      const words = there?.progress === undefined ? '' : `${Math.floor(there.progress * 100)} %`;
      if (words && words !== said) this.note((said = words));
    }
    if (home.hfs !== server || home.state !== 'here')
      throw new ProloError('conflict', `home ${login}: its move was given up, it stays at hfs ${home.hfs}`, {
        hint: `the log of hfs ${server} says why`,
      });
    this.log(`${login}: at hfs ${server}`);
    return home;
  }
}
